// A private redis-server on a loopback port, with its files in a temporary folder. It keeps its port over restarts and
// is killed when this object, or the test program, ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tps::tests {

class RedisServer {
 public:
  // `arguments` as on redis-server's command line: {"--requirepass", "secret"}. Ready when the constructor returns.
  explicit RedisServer(std::vector<std::string> arguments = {});
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer();

  // "redis://<login>127.0.0.1:<port><rest>"
  [[nodiscard]] std::string url(const std::string& login = "", const std::string& rest = "") const;

  void start();
  void stop();          // SIGKILL: gone when this returns
  void pause() const;   // SIGSTOP: stopped when this returns
  void resume() const;  // SIGCONT

  // Runs a command and returns the reply as text: arrays as lines, nil as "(nil)". If Redis is unreachable, the program
  // ends.
  std::string command(const std::vector<std::string>& words) const;

 private:
  bool launch();
  [[nodiscard]] bool answers() const;

  const std::vector<std::string> arguments_;
  const std::filesystem::path folder_;
  std::uint16_t port_;
  pid_t process_ = -1;
};

// An unused port below the ephemeral range.
std::uint16_t free_port();

}  // namespace tps::tests
