#include "adapters/redis/connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>

namespace tps::redis {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMaxHandshakeBytes = 4096;

// hiredis makes room for as many elements as a reply announces; a hostile one announces two billion.
constexpr int kMaxElements = 100'000;

const redisReplyObjectFunctions& unbounded_functions() {
  static const redisReplyObjectFunctions kFunctions = [] {
    redisReader* sample = redisReaderCreate();
    const redisReplyObjectFunctions copy = *sample->fn;
    redisReaderFree(sample);
    return copy;
  }();
  return kFunctions;
}

redisReplyObjectFunctions* bounded_functions() {
  static redisReplyObjectFunctions functions = [] {
    redisReplyObjectFunctions copy = unbounded_functions();
    copy.createArray = [](const redisReadTask* task, int elements) -> void* {
      return elements > kMaxElements ? nullptr : unbounded_functions().createArray(task, elements);
    };
    return copy;
  }();
  return &functions;
}

std::unexpected<std::string> system_error(const char* what, int error) {
  return std::unexpected(fmt::format("{}: {}", what, std::strerror(error)));
}

void append_word(std::string& out, std::string_view word) {
  fmt::format_to(std::back_inserter(out), "${}\r\n", word.size());
  out.append(word).append("\r\n");
}

}  // namespace

void append_redis_command(std::string& out, std::initializer_list<std::string_view> words) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", words.size());
  for (const std::string_view word : words) append_word(out, word);
}

void append_redis_command(std::string& out, std::string_view name, const std::vector<std::string>& words) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", words.size() + 1);
  append_word(out, name);
  for (const std::string& word : words) append_word(out, word);
}

Connection::Connection(const Options& options)
    : options_(options), address_(options.host, options.port), tls_(options), reader_(nullptr, redisReaderFree) {}

Connection::~Connection() { close(); }

void Connection::close() {
  session_.reset();
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  reader_.reset();
}

std::expected<std::vector<Reply>, std::string> Connection::exchange(std::string_view commands, std::size_t count,
                                                                    std::size_t max_bytes, Deadline deadline) {
  if (socket_ >= 0 && !is_quiet()) close();
  if (socket_ < 0) {
    if (auto connected = connect(deadline); !connected) {
      close();
      return std::unexpected(std::move(connected.error()));
    }
  }
  auto replies = round_trip(commands, count, max_bytes, deadline);
  if (!replies) close();
  return replies;
}

Connection::Done Connection::connect(Deadline deadline) {
  const auto addresses = address_.find(deadline);
  if (!addresses) return std::unexpected(addresses.error());
  Done connected = std::unexpected("the name has no address");
  for (std::size_t i = 0; i < addresses->size() && !connected; ++i) {
    close();
    connected = connect_to((*addresses)[(first_address_ + i) % addresses->size()], deadline);
    if (steady_clock::now() >= deadline) break;
  }
  if (!connected) {
    ++first_address_;
    return connected;
  }
  reader_.reset(redisReaderCreateWithFunctions(bounded_functions()));
  if (!reader_) return std::unexpected("no memory for a reader");
  if (options_.tls) {
    if (auto shaken = shake_hands(deadline); !shaken) return shaken;
  }
  return log_in(deadline);
}

Connection::Done Connection::connect_to(const adapters::SocketAddress& address, Deadline deadline) {
  socket_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return system_error("socket", errno);
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0) return {};
  if (errno != EINPROGRESS) return system_error("connect", errno);
  if (auto waited = wait_for(POLLOUT, deadline); !waited) return waited;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return system_error("connect", error);
  return {};
}

Connection::Done Connection::shake_hands(Deadline deadline) {
  auto session = tls_.start(socket_);
  if (!session) return std::unexpected(std::move(session.error()));
  session_ = std::move(*session);
  for (;;) {
    const auto step = Tls::shake_hands(*session_);
    if (!step) return std::unexpected(step.error());
    if (step->wait == 0) return {};
    if (auto waited = wait_for(step->wait, deadline); !waited) return waited;
  }
}

Connection::Done Connection::log_in(Deadline deadline) {
  std::string commands;
  std::size_t count = 0;
  if (!options_.password.empty()) {
    if (options_.user.empty()) append_redis_command(commands, {"AUTH", options_.password});
    if (!options_.user.empty()) append_redis_command(commands, {"AUTH", options_.user, options_.password});
    ++count;
  }
  if (options_.database != 0) {
    append_redis_command(commands, {"SELECT", std::to_string(options_.database)});
    ++count;
  }
  if (count == 0) return {};
  const auto replies = round_trip(commands, count, kMaxHandshakeBytes, deadline);
  if (!replies) return std::unexpected(replies.error());
  for (const Reply& reply : *replies) {
    if (reply->type == REDIS_REPLY_ERROR)
      return std::unexpected(std::string(reply->str, static_cast<std::size_t>(reply->len)));
    if (reply->type != REDIS_REPLY_STATUS) return std::unexpected("not an answer to AUTH or SELECT");
  }
  if (socket_ < 0) return std::unexpected("more replies than commands");
  return {};
}

std::expected<std::vector<Reply>, std::string> Connection::round_trip(std::string_view commands, std::size_t count,
                                                                      std::size_t max_bytes, Deadline deadline) {
  std::vector<Reply> replies;
  replies.reserve(count);
  std::size_t bytes_left = max_bytes;
  Done step = send_some(commands);
  while (step && replies.size() < count) {
    step = wait_for(commands.empty() ? POLLIN : POLLIN | POLLOUT, deadline);
    if (step && !commands.empty()) step = send_some(commands);
    if (step) step = receive_some(bytes_left);
    if (step) step = take_replies(replies, count);
  }
  if (!step) return std::unexpected(std::move(step.error()));
  // The answers read so far are in order, but any later bytes would answer the next question.
  if (!commands.empty() || reader_->pos < reader_->len) close();
  return replies;
}

Connection::Done Connection::wait_for(short events, Deadline deadline) const {
  for (;;) {
    const nanoseconds left = deadline - steady_clock::now();
    if (left <= nanoseconds::zero()) return std::unexpected("no answer in time");
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    pollfd waiting{.fd = socket_, .events = events, .revents = 0};
    const int ready = ppoll(&waiting, 1, &timeout, nullptr);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return system_error("poll", errno);
  }
}

Connection::Done Connection::send_some(std::string_view& commands) {
  if (session_) {
    const auto step = Tls::send(*session_, commands);
    if (!step) return std::unexpected(step.error());
    commands.remove_prefix(step->bytes);
    return {};
  }
  const ssize_t sent = send(socket_, commands.data(), commands.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) {
    commands.remove_prefix(static_cast<std::size_t>(sent));
  } else if (errno != EAGAIN && errno != EINTR) {
    return system_error("send", errno);
  }
  return {};
}

// 0: nothing yet.
std::expected<std::size_t, std::string> Connection::receive(std::span<char> buffer) {
  if (session_) {
    const auto step = Tls::receive(*session_, buffer);
    if (!step) return std::unexpected(step.error());
    return step->bytes;
  }
  const ssize_t got = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) return std::unexpected("Redis closed the connection");
  if (errno == EAGAIN || errno == EINTR) return 0;
  return system_error("recv", errno);
}

Connection::Done Connection::receive_some(std::size_t& bytes_left) {
  char buffer[64 * 1024];
  const auto got = receive(buffer);
  if (!got) return std::unexpected(got.error());
  const std::size_t size = *got;
  if (size == 0) return {};
  if (size > bytes_left) return std::unexpected("the answer is longer than any right one");
  bytes_left -= size;
  if (redisReaderFeed(reader_.get(), buffer, size) != REDIS_OK) return std::unexpected("no memory for the answer");
  return {};
}

Connection::Done Connection::take_replies(std::vector<Reply>& replies, std::size_t count) {
  while (replies.size() < count) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
      return std::unexpected(fmt::format("not the protocol of Redis: {}", reader_->errstr));
    }
    if (reply == nullptr) return {};
    replies.emplace_back(static_cast<redisReply*>(reply));
  }
  return {};
}

// Between exchanges nothing may arrive: a closed connection would cost a miss, an unasked reply would answer the wrong
// question. With TLS each is a record; the tickets that follow a handshake came before the first reply.
bool Connection::is_quiet() const {
  char byte = 0;
  return recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

}  // namespace tps::redis
