// One connection: reads requests within the limits, passes each to the API, sends the answers in order.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/headers/message.hpp"
#include "http/server/io_loop.hpp"
#include "http/server/parser.hpp"
#include "http/server/response_writer.hpp"
#include "http/server/stream.hpp"

namespace tps::http {

// Lives in the frame of its coroutine; everything happens on the loop's thread.
class Session {
 public:
  // With TLS unless `tls` is null. Leaves state.connections at its end.
  static boost::asio::awaitable<void> serve(ServerState& state, IoLoop& loop, Socket socket, TlsContext tls, Slot slot);

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // Ends what the connection waits for if it has waited too long.
  void enforce_time_limit(std::chrono::steady_clock::time_point now);
  // If idle, be gone by then.
  void hurry(std::chrono::steady_clock::time_point idle_ends);
  void close();

 private:
  enum class Phase : std::uint8_t { handshake, idle, head, body, handling, writing, lingering };

  Session(ServerState& state, IoLoop& loop, Socket socket, const TlsContext& tls, Slot slot);
  boost::asio::awaitable<void> run();
  // False if there will be no request; the client has been told.
  boost::asio::awaitable<bool> shake_hands();

  // nullopt: more bytes are needed.
  std::expected<std::optional<std::size_t>, Refusal> parse_buffered();
  // The body into request_.body, if all of it has been received and is not too large.
  bool take_body_at_once();
  // Else: false if there will be none; the client has been told.
  boost::asio::awaitable<bool> receive_body();
  boost::asio::awaitable<std::expected<void, Refusal>> read_body();
  boost::asio::awaitable<std::expected<void, Refusal>> read_counted(std::size_t size);
  boost::asio::awaitable<std::expected<void, Refusal>> read_chunked(std::size_t limit);
  boost::asio::awaitable<bool> answer(const Response& response);
  // False if the caller may not send this body; the client has been told.
  boost::asio::awaitable<bool> may_send_body();
  boost::asio::awaitable<void> refuse(Refusal refusal);
  // The last answer.
  boost::asio::awaitable<void> end_with(const Response& response);
  boost::asio::awaitable<void> linger();

  // Large bodies of all connections together have a limit. They count for what has arrived of them, in steps; false if
  // this one may not become so large now.
  bool reserve_body(std::size_t bytes);
  void release_body();

  void enter(Phase phase);
  bool send_at_once(const Response& response, bool keep_alive);
  [[nodiscard]] bool body_is_here() const;
  [[nodiscard]] std::string_view rest_of_body(const Response& response) const;
  Refusal why_reading_ended(boost::system::error_code error);
  void prepare_to_read();
  void have_read(std::size_t count);
  void finish_request();
  [[nodiscard]] std::string_view buffered() const { return {in_.data() + begin_, end_ - begin_}; }

  ServerState& state_;
  IoLoop& loop_;
  Stream stream_;
  IoLoop::Place place_;
  const Slot slot_;
  const std::string peer_;  // its address

  Phase phase_ = Phase::idle;
  std::chrono::steady_clock::time_point phase_ends_;
  bool expired_ = false;
  bool client_gone_ = false;  // no client is left to answer

  // Received bytes: in_[begin_, end_) starts with the current request's head, which request_ has views of, so nothing
  // moves between parse_buffered() and finish_request().
  std::vector<char> in_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t request_end_ = 0;  // where the next request starts in in_
  std::string body_;             // a body that was not in in_ as a whole
  std::string carry_;            // bytes after a chunked body
  std::size_t reserved_ = 0;     // of state_.body_bytes
  HeadScanner scanner_;
  Framing framing_;
  Request request_;

  std::string out_;
  std::size_t sent_ = 0;  // of out_ and what follows it
};

}  // namespace tps::http
