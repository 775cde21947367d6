#include "support/redis_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <utility>

namespace tps::tests {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{20};

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
using Context = std::unique_ptr<redisContext, FreeContext>;

[[noreturn]] void give_up(const std::string& detail) {
  std::fprintf(stderr, "redis-server for tests: %s\n", detail.c_str());
  std::abort();
}

std::filesystem::path make_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "tps-redis-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) give_up("no temporary folder");
  return path;
}

Context connect(std::uint16_t port) {
  Context context(redisConnectWithTimeout("127.0.0.1", port, timeval{.tv_sec = 5, .tv_usec = 0}));
  if (context && context->err == 0) redisSetTimeout(context.get(), timeval{.tv_sec = 5, .tv_usec = 0});
  return context;
}

std::string text_of(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_NIL) return "(nil)";
  if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
  if (reply.type != REDIS_REPLY_ARRAY) return {reply.str, static_cast<std::size_t>(reply.len)};
  std::string lines;
  for (std::size_t i = 0; i < reply.elements; ++i) lines += text_of(*reply.element[i]) + "\n";
  return lines;
}

}  // namespace

std::uint16_t free_port() {
  static std::mt19937 random{std::random_device{}()};
  for (;;) {
    const auto port = static_cast<std::uint16_t>(15'000 + random() % 17'000);
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) give_up("no socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free = bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(probe);
    if (free) return port;
  }
}

RedisServer::RedisServer(std::vector<std::string> arguments)
    : arguments_(std::move(arguments)), folder_(make_folder()), port_(free_port()) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (launch()) return;
    port_ = free_port();
  }
  give_up("does not start");
}

RedisServer::~RedisServer() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string RedisServer::url(const std::string& login, const std::string& rest) const {
  return "redis://" + login + "127.0.0.1:" + std::to_string(port_) + rest;
}

void RedisServer::start() {
  if (!launch()) give_up("does not start again");
}

void RedisServer::stop() {
  if (process_ < 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  process_ = -1;
}

void RedisServer::pause() const {
  kill(process_, SIGSTOP);
  waitpid(process_, nullptr, WUNTRACED);
}

void RedisServer::resume() const { kill(process_, SIGCONT); }

std::string RedisServer::command(const std::vector<std::string>& words) const {
  const Context context = connect(port_);
  if (!context || context->err != 0) give_up("no connection");
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  auto* reply = static_cast<redisReply*>(
      redisCommandArgv(context.get(), static_cast<int>(words.size()), texts.data(), sizes.data()));
  if (reply == nullptr) give_up(words.front() + ": " + context->errstr);
  std::string text = text_of(*reply);
  freeReplyObject(reply);
  return text;
}

bool RedisServer::launch() {
  std::vector<std::string> words = {"redis-server",  "--port", std::to_string(port_), "--bind", "127.0.0.1",
                                    "--save",        "",       "--appendonly",        "no",     "--dir",
                                    folder_.string()};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string log = (folder_ / "log").string();

  process_ = fork();
  if (process_ < 0) give_up("fork");
  if (process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (output < 0) _exit(126);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  for (const auto deadline = steady_clock::now() + kPatience; steady_clock::now() < deadline;) {
    if (waitpid(process_, nullptr, WNOHANG) == process_) {
      process_ = -1;
      return false;
    }
    if (answers()) return true;
    poll(nullptr, 0, 5);
  }
  stop();
  return false;
}

// Any reply is sufficient. Without the password it is an error.
bool RedisServer::answers() const {
  const Context context = connect(port_);
  if (!context || context->err != 0) return false;
  void* reply = redisCommand(context.get(), "PING");
  const bool answered =
      reply != nullptr && !std::string_view(static_cast<redisReply*>(reply)->str).starts_with("LOADING");
  if (reply != nullptr) freeReplyObject(reply);
  return answered;
}

}  // namespace tps::tests
