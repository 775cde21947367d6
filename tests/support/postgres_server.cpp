#include "postgres_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

namespace tps::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kStartBudget{30};
constexpr std::chrono::milliseconds kPollPause{10};

// PostgreSQL does not run as root, so root becomes this user.
constexpr const char* kUser = "postgres";

struct Identity {
  uid_t uid;
  gid_t gid;
};

Identity server_identity() {
  if (geteuid() != 0) return {geteuid(), getegid()};
  const passwd* user = getpwnam(kUser);
  if (user == nullptr) throw std::runtime_error("there is no user postgres to run PostgreSQL as");
  return {user->pw_uid, user->pw_gid};
}

// Of the newest version that is installed, unless TPS_POSTGRES_BIN says otherwise.
fs::path server_programs() {
  if (const char* folder = std::getenv("TPS_POSTGRES_BIN")) return folder;
  int newest = 0;
  for (const fs::directory_entry& version : fs::directory_iterator("/usr/lib/postgresql")) {
    newest = std::max(newest, std::atoi(version.path().filename().c_str()));
  }
  return fs::path("/usr/lib/postgresql") / std::to_string(newest) / "bin";
}

// A child that ends with this process. Output goes to `log`.
pid_t spawn(std::vector<std::string> arguments, const fs::path& log) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const Identity identity = server_identity();
  const bool change = geteuid() == 0;
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child > 0) return child;
  if (change && (setgroups(0, nullptr) != 0 || setgid(identity.gid) != 0 || setuid(identity.uid) != 0)) _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (out < 0 || null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(126);
  if (chdir("/") != 0) _exit(126);
  execvp(argv[0], argv.data());
  _exit(127);
}

void run(const std::vector<std::string>& arguments, const fs::path& log) {
  const pid_t child = spawn(arguments, log);
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) {
    throw std::runtime_error(arguments.front() + " failed, see " + log.string());
  }
}

fs::path new_folder() {
  std::string name = (fs::temp_directory_path() / "tps-postgres-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  const Identity identity = server_identity();
  if (geteuid() == 0 && chown(name.c_str(), identity.uid, identity.gid) != 0) {
    throw std::runtime_error("cannot give away " + name);
  }
  return name;
}

// The result of initdb, created once. Renaming is atomic, so several tests may create it at the same time.
fs::path cluster_template() {
  fs::path ready = fs::temp_directory_path() / ("tps-postgres-template-" + std::to_string(server_identity().uid));
  if (fs::exists(ready)) return ready;
  const fs::path made = new_folder();
  run({server_programs() / "initdb", "-D", made / "data", "-U", "tps", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
       "--no-sync"},
      made / "log");
  std::error_code failed;
  fs::rename(made, ready, failed);
  if (failed) fs::remove_all(made);
  return ready;
}

int free_port() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) throw std::runtime_error("no socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  const bool found = bind(listener, raw, size) == 0 && getsockname(listener, raw, &size) == 0;
  close(listener);
  if (!found) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

void wait_until_answers(const std::string& url, pid_t server, const fs::path& log) {
  const auto give_up = std::chrono::steady_clock::now() + kStartBudget;
  while (PQping(url.c_str()) != PQPING_OK) {
    if (std::chrono::steady_clock::now() > give_up || waitpid(server, nullptr, WNOHANG) == server) {
      throw std::runtime_error("the server does not start, see " + log.string());
    }
    std::this_thread::sleep_for(kPollPause);
  }
}

}  // namespace

PostgresServer::PostgresServer(std::vector<std::string> settings)
    : settings_(std::move(settings)), folder_(new_folder()), port_(free_port()) {
  const fs::path ready = cluster_template();
  run({"cp", "-a", ready / "data", folder_ / "data"}, folder_ / "log");
  start();
}

PostgresServer::~PostgresServer() {
  if (pid_ != 0) {
    resume();
    end(SIGQUIT);
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string PostgresServer::url(const std::string& database, int port) {
  return "postgresql://tps@127.0.0.1:" + std::to_string(port) + "/" + database;
}

std::string PostgresServer::create_database() {
  std::string name = "test_" + std::to_string(++databases_);
  query("postgres", "CREATE DATABASE " + name);
  return name;
}

std::string PostgresServer::query(const std::string& database, const std::string& sql) const {
  PGconn* connection = PQconnectdb(url(database).c_str());
  PGresult* result = PQexec(connection, sql.c_str());
  const ExecStatusType status = PQresultStatus(result);
  const bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
  std::string answer = good && PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
  const std::string error = good ? "" : PQerrorMessage(connection);
  PQclear(result);
  PQfinish(connection);
  if (!good) throw std::runtime_error(sql + ": " + error);
  return answer;
}

void PostgresServer::start() {
  std::vector<std::string> arguments{server_programs() / "postgres", "-D", folder_ / "data", "-k", folder_, "-p",
                                     std::to_string(port_)};
  for (const std::string& setting : {std::string("listen_addresses=127.0.0.1"), std::string("fsync=on")}) {
    arguments.insert(arguments.end(), {"-c", setting});
  }
  for (const std::string& setting : settings_) arguments.insert(arguments.end(), {"-c", setting});
  pid_ = spawn(arguments, folder_ / "log");
  wait_until_answers(url("postgres"), pid_, folder_ / "log");
}

void PostgresServer::stop() { end(SIGINT); }

void PostgresServer::restart() {
  end(SIGQUIT);
  start();
}

void PostgresServer::end(int signal_number) {
  if (pid_ == 0) return;
  kill(pid_, signal_number);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::vector<pid_t> PostgresServer::processes() const {
  std::vector<pid_t> all{pid_};
  const std::string pid = std::to_string(pid_);
  std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
  for (pid_t child = 0; children >> child;) all.push_back(child);
  return all;
}

void PostgresServer::pause() const {
  for (const pid_t process : processes()) kill(process, SIGSTOP);
}

void PostgresServer::resume() const {
  for (const pid_t process : processes()) kill(process, SIGCONT);
}

PgBouncer::PgBouncer(const PostgresServer& server) : folder_(new_folder()), port_(free_port()) {
  const fs::path settings = folder_ / "pgbouncer.ini";
  std::ofstream(settings) << "[databases]\n* = host=127.0.0.1 port=" << server.port() << " user=tps\n"
                          << "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " << port_
                          << "\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n";
  const char* folder = std::getenv("TPS_PGBOUNCER_BIN");
  pid_ = spawn({fs::path(folder != nullptr ? folder : "/usr/sbin") / "pgbouncer", settings}, folder_ / "log");
  wait_until_answers(PostgresServer::url("postgres", port_), pid_, folder_ / "log");
}

PgBouncer::~PgBouncer() {
  kill(pid_, SIGQUIT);
  waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

}  // namespace tps::tests
