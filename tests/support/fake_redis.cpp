#include "support/fake_redis.hpp"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace tps::tests {

FakeRedis::Peer::Peer(int socket) : socket_(socket), reader_(redisReaderCreate()) {}

FakeRedis::Peer::~Peer() {
  redisReaderFree(reader_);
  close(socket_);
}

std::optional<std::vector<std::string>> FakeRedis::Peer::read_command() {
  for (;;) {
    void* parsed = nullptr;
    if (redisReaderGetReply(reader_, &parsed) != REDIS_OK) return std::nullopt;
    if (parsed != nullptr) {
      auto* command = static_cast<redisReply*>(parsed);
      std::vector<std::string> words;
      words.reserve(command->elements);
      for (std::size_t i = 0; i < command->elements; ++i) {
        words.emplace_back(command->element[i]->str, static_cast<std::size_t>(command->element[i]->len));
      }
      freeReplyObject(command);
      return words;
    }
    char buffer[4096];
    const ssize_t size = recv(socket_, buffer, sizeof buffer, 0);
    if (size <= 0) return std::nullopt;
    redisReaderFeed(reader_, buffer, static_cast<std::size_t>(size));
  }
}

bool FakeRedis::Peer::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool FakeRedis::Peer::stays(int milliseconds) {
  pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, milliseconds) == 0;
}

FakeRedis::FakeRedis(std::function<void(Peer&, int)> script)
    : script_(std::move(script)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (listener_ < 0) std::abort();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, generic, size) != 0 || listen(listener_, 64) != 0) std::abort();
  if (getsockname(listener_, generic, &size) != 0) std::abort();
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

FakeRedis::~FakeRedis() {
  stopping_ = true;
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

void FakeRedis::run() {
  while (!stopping_) {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    Peer peer(socket);
    script_(peer, connections_++);
  }
}

}  // namespace tps::tests
