// One connection to Redis that never makes anyone wait beyond a deadline and never mixes up replies: after anything
// unexpected it is closed, and the next exchange connects again. hiredis reads the protocol; the socket is ours,
// because hiredis' own timeouts count per read and its connect waits for DNS.
#pragma once

#include <hiredis/hiredis.h>

#include <cstddef>
#include <expected>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/host_address.hpp"
#include "adapters/redis/tls.hpp"
#include "adapters/redis/url.hpp"

namespace tps::redis {

struct FreeRedisReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeRedisReply>;

// Appends one command in the protocol's form.
void append_redis_command(std::string& out, std::initializer_list<std::string_view> words);
void append_redis_command(std::string& out, std::string_view name, const std::vector<std::string>& words);

// One thread at a time.
class Connection {
 public:
  using Deadline = adapters::HostAddress::Deadline;

  explicit Connection(const Options& options);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Connects and logs in if needed, sends `commands` and reads one reply for each of them, `count` in all, of at most
  // `max_bytes` together. The error is a sentence for operators; the connection is closed then.
  std::expected<std::vector<Reply>, std::string> exchange(std::string_view commands, std::size_t count,
                                                          std::size_t max_bytes, Deadline deadline);
  void close();

 private:
  using Done = std::expected<void, std::string>;

  Done connect(Deadline deadline);
  Done connect_to(const adapters::SocketAddress& address, Deadline deadline);
  Done shake_hands(Deadline deadline);
  Done log_in(Deadline deadline);
  std::expected<std::vector<Reply>, std::string> round_trip(std::string_view commands, std::size_t count,
                                                            std::size_t max_bytes, Deadline deadline);
  [[nodiscard]] Done wait_for(short events, Deadline deadline) const;
  Done send_some(std::string_view& commands);
  std::expected<std::size_t, std::string> receive(std::span<char> buffer);
  Done receive_some(std::size_t& bytes_left);
  Done take_replies(std::vector<Reply>& replies, std::size_t count);
  [[nodiscard]] bool is_quiet() const;

  const Options options_;
  adapters::HostAddress address_;
  std::size_t first_address_ = 0;  // moves on when one does not answer
  const Tls tls_;
  int socket_ = -1;
  Tls::Session session_;  // on socket_; null: without TLS
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
};

}  // namespace tps::redis
