// The addresses behind a host name, found without ever waiting for DNS longer than the caller can.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tps::adapters {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] std::string text() const;  // "127.0.0.1", "::1"; empty if it has no such form
};

// One thread at a time.
class HostAddress {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  using Found = std::expected<std::vector<SocketAddress>, std::string>;
  // Asks the system, for as long as that takes.
  using LookUp = std::function<Found(const std::string& host, const std::string& port)>;

  HostAddress(std::string host, std::uint16_t port);
  HostAddress(std::string host, std::uint16_t port, LookUp look_up);

  // Looked up anew each time, since names move; numeric addresses at once. A name that is not found by the
  // deadline is looked up further in a thread of its own (getaddrinfo cannot be stopped), and the next call takes what
  // that finds, unless it was long ago. A caller that waits for a slow answer asks a second time beside it: a question
  // asked while the network was away hangs for long after it is back.
  Found find(Deadline deadline);

 private:
  struct LookUps;

  bool ask();

  const std::string host_;
  const std::string port_;
  const LookUp look_up_;
  const std::shared_ptr<LookUps> look_ups_;
};

}  // namespace tps::adapters
