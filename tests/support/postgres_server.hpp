// A private PostgreSQL server for tests, with its own folder, socket and loopback port, and fsync on. The constructor
// starts it and the destructor removes it. initdb runs once per machine, and its result is copied.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace tps::tests {

class PostgresServer {
 public:
  // `settings` have the form "name=value", as in postgresql.conf. Throws if the server cannot start.
  explicit PostgresServer(std::vector<std::string> settings = {});
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  // postgresql://tps@127.0.0.1:PORT/DATABASE. Pass the port of a proxy to connect through it.
  [[nodiscard]] std::string url(const std::string& database) const { return url(database, port_); }
  [[nodiscard]] static std::string url(const std::string& database, int port);

  // Creates a new empty database and returns its name.
  std::string create_database();

  // Runs a statement on a new connection. Returns the first column of the first row, or "". Throws on an error.
  std::string query(const std::string& database, const std::string& sql) const;

  void start();
  void stop();         // fast: ends sessions and writes a checkpoint
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

// A PgBouncer in transaction mode before a server.
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
