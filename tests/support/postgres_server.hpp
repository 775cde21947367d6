// A private PostgreSQL server for tests: its own folder, socket and loopback port, fsync on, nothing shared with any
// other server. Started by the constructor, gone with the object. initdb runs once per machine and is copied.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace tps::tests {

class PostgresServer {
 public:
  // `settings` are of the form "name=value", as in postgresql.conf. Throws when it cannot start.
  explicit PostgresServer(std::vector<std::string> settings = {});
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  // postgresql://tps@127.0.0.1:PORT/DATABASE; with another port to go through a proxy.
  [[nodiscard]] std::string url(const std::string& database) const { return url(database, port_); }
  [[nodiscard]] static std::string url(const std::string& database, int port);

  // A new empty database each time; answers its name.
  std::string create_database();

  // One statement on one connection of its own; answers the first column of the first row ("" if there is none).
  // Throws on an error.
  std::string query(const std::string& database, const std::string& sql) const;

  void start();
  void stop();         // fast: sessions are cut, a checkpoint is written
  void restart();      // immediate: as after a crash
  void pause() const;  // SIGSTOP for the server and each of its backends
  void resume() const;

 private:
  [[nodiscard]] std::vector<pid_t> processes() const;
  void end(int signal_number);

  const std::vector<std::string> settings_;
  std::filesystem::path folder_;
  int port_ = 0;
  pid_t pid_ = 0;
  int databases_ = 0;
};

// A PgBouncer in transaction mode in front of a server.
class PgBouncer {
 public:
  explicit PgBouncer(const PostgresServer& server);
  ~PgBouncer();
  PgBouncer(const PgBouncer&) = delete;
  PgBouncer& operator=(const PgBouncer&) = delete;

  [[nodiscard]] int port() const { return port_; }

 private:
  std::filesystem::path folder_;
  int port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace tps::tests
