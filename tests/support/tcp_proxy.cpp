#include "tcp_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace tps::tests {
namespace {

constexpr int kTickMs = 20;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int new_socket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::runtime_error("no socket");
  return fd;
}

int connect_to(int port) {
  const int fd = new_socket();
  const sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

bool readable(int fd, int timeout_ms) {
  pollfd socket{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&socket, 1, timeout_ms) > 0;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

struct TcpProxy::Link {
  int client;
  int server;
  int generation;

  Link(int client_fd, int server_fd, int number) : client(client_fd), server(server_fd), generation(number) {
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() {
    close(client);
    if (server >= 0) close(server);
  }
};

TcpProxy::TcpProxy(int target_port) : listener_(new_socket()), target_port_(target_port) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, raw, size) != 0 || listen(listener_, 64) != 0 || getsockname(listener_, raw, &size) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_clients(); });
}

TcpProxy::~TcpProxy() {
  stopping_ = true;
  acceptor_.join();
  for (std::thread& pump : pumps_) pump.join();
  close(listener_);
}

void TcpProxy::harm_next(std::string text, Harm harm) {
  const std::scoped_lock lock(mutex_);
  text_ = std::move(text);
  harm_ = harm;
}

void TcpProxy::cut() { ++generation_; }

TcpProxy::Harm TcpProxy::harm_for(std::string_view piece) {
  const std::scoped_lock lock(mutex_);
  if (harm_ == Harm::none || piece.find(text_) == std::string_view::npos) return Harm::none;
  ++harmed_;
  return std::exchange(harm_, Harm::none);
}

void TcpProxy::accept_clients() {
  while (!stopping_) {
    if (!readable(listener_, kTickMs)) continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    pumps_.emplace_back([this, client] {
      Link link(client, connect_to(target_port_), generation_);
      if (link.server >= 0) pump(link);
    });
  }
}

void TcpProxy::pump(Link& link) {
  std::array<char, 65536> buffer{};
  bool stalled = false;
  while (!stopping_ && link.generation == generation_) {
    std::array<pollfd, 2> sockets{{{link.client, POLLIN, 0}, {link.server, POLLIN, 0}}};
    if (stalled) sockets[0].events = sockets[1].events = POLLRDHUP;
    if (poll(sockets.data(), 2, kTickMs) <= 0) continue;
    if (stalled) return;
    for (const auto& [from, to, upwards] : {std::tuple{0, link.server, true}, std::tuple{1, link.client, false}}) {
      const pollfd& socket = sockets.at(static_cast<std::size_t>(from));
      if (socket.revents == 0) continue;
      const ssize_t size = recv(socket.fd, buffer.data(), buffer.size(), 0);
      if (size <= 0) return;
      const std::string_view piece(buffer.data(), static_cast<std::size_t>(size));
      const Harm harm = upwards ? harm_for(piece) : Harm::none;
      if (harm == Harm::cut_before) return;
      if (harm == Harm::stall) {
        stalled = true;
        break;
      }
      if (!send_all(to, piece)) return;
      if (harm != Harm::swallow_answer) continue;
      while (!stopping_ && !readable(link.server, kTickMs)) {
      }
      return;
    }
  }
}

}  // namespace tps::tests
