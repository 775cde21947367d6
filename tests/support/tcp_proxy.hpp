// A TCP proxy on loopback inside the test that can disturb its connections. Any thread may call.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tps::tests {

class TcpProxy {
 public:
  explicit TcpProxy(int target_port);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  [[nodiscard]] int port() const { return port_; }

  enum class Harm {
    none,
    cut_before,      // closes both sides; the last data does not reach the server
    swallow_answer,  // the server responds; the proxy drops the response and closes both sides
    stall,           // blocks both directions until the connection ends
  };
  // Applies once, the next time that a client sends `text` within one chunk.
  void harm_next(std::string text, Harm harm);
  [[nodiscard]] int harmed() const { return harmed_; }

  // Closes every connection. New connections are accepted.
  void cut();

 private:
  struct Link;

  void accept_clients();
  void pump(Link& link);
  Harm harm_for(std::string_view piece);

  const int listener_;
  int port_ = 0;
  const int target_port_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> generation_ = 0;  // connections of an older generation are cut
  std::atomic<int> harmed_ = 0;

  std::mutex mutex_;
  // Under mutex_.
  std::string text_;
  Harm harm_ = Harm::none;

  std::vector<std::thread> pumps_;  // owned by the accepting thread
  std::thread acceptor_;
};

}  // namespace tps::tests
