// A server on a loopback port that sends arbitrary bytes in place of a real Redis.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

struct redisReader;

namespace tps::tests {

class FakeRedis {
 public:
  // One accepted connection, controlled by the script.
  class Peer {
   public:
    explicit Peer(int socket);
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    ~Peer();

    // The words of the next command, or nullopt if the client is gone.
    std::optional<std::vector<std::string>> read_command();
    // False if the client is gone.
    bool send(std::string_view bytes) const;  // NOLINT(modernize-use-nodiscard): most tests ignore it
    // False if the client leaves within this time. The client must not send anything meanwhile.
    bool stays(int milliseconds);

   private:
    const int socket_;
    redisReader* const reader_;
  };

  // `script` runs on one thread for each connection in turn, numbered from 0. The connection closes when it returns. It
  // must return soon after its client is gone.
  explicit FakeRedis(std::function<void(Peer&, int number)> script);
  FakeRedis(const FakeRedis&) = delete;
  FakeRedis& operator=(const FakeRedis&) = delete;
  ~FakeRedis();

  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void run();

  const std::function<void(Peer&, int)> script_;
  const int listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace tps::tests
