#include "http/server/session.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cstring>
#include <utility>

#include "http/api/routes.hpp"
#include "http/headers/request_id.hpp"
#include "http/headers/trace_context.hpp"
#include "ops/log.hpp"

namespace tps::http {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kInitialBuffer = 4 * 1024;
constexpr std::size_t kReadPiece = 16 * 1024;
constexpr std::size_t kInlineBody = 16 * 1024;  // smaller bodies are copied behind the head: one buffer, one send
constexpr std::size_t kKeptBuffer = 64 * 1024;  // buffer that an idle connection may keep
constexpr Refusal kEndedEarly{domain::ErrorCode::malformed_request, "The request ended early"};
constexpr Refusal kTooSlow{domain::ErrorCode::request_timeout, {}};
constexpr Refusal kManyBodies{domain::ErrorCode::overloaded, {}};
constexpr Refusal kManyConnections{domain::ErrorCode::overloaded, "Too many connections; nothing was added"};
constexpr std::size_t kSmallBody = 64 * 1024;   // not counted
constexpr std::size_t kBodyStep = 1024 * 1024;  // counted at a time
constexpr Refusal kOverLimit{domain::ErrorCode::payload_too_large, {}};
constexpr Refusal kWithoutTls{domain::ErrorCode::malformed_request, "This port speaks https, not http"};

void give_back_if_large(std::string& text, std::size_t kept) {
  text.clear();
  if (text.capacity() > kept) text.shrink_to_fit();
}

std::string_view body_of(const Response& response) {
  return response.shared_body ? std::string_view(*response.shared_body) : std::string_view(response.body);
}

}  // namespace

asio::awaitable<void> Session::serve(ServerState& state, IoLoop& loop, Socket socket, TlsContext tls, Slot slot) {
  Session session(state, loop, std::move(socket), tls, std::move(slot));
  if (session.stream_.is_tls() && !co_await session.shake_hands()) co_return;
  co_await session.run();
}

Session::Session(ServerState& state, IoLoop& loop, Socket socket, const TlsContext& tls, Slot slot)
    : state_(state),
      loop_(loop),
      stream_(std::move(socket), tls),
      place_(loop.add(*this)),
      slot_(std::move(slot)),
      peer_(stream_.remote_address()),
      in_(kInitialBuffer) {
  state_.metrics.connections.Increment();
  request_.remote_address = peer_;
}

Session::~Session() {
  loop_.remove(place_);
  release_body();
  close();
  state_.metrics.connections.Decrement();
  state_.connections.leave(slot_);
}

asio::awaitable<bool> Session::shake_hands() {
  enter(Phase::handshake);
  const auto error = co_await stream_.shake_hands();
  if (!error) co_return true;
  if (ops::log_enabled(ops::Level::debug)) {
    ops::log(ops::Level::debug, "no TLS with a client",
             {{"remote", request_.remote_address}, {"detail", expired_ ? "too slow" : error.message()}});
  }
  if (expired_) co_return false;
  if (Stream::is_plain_http(error)) {
    stream_.go_plain();
    co_await refuse(kWithoutTls);
  } else {
    co_await linger();
  }
  co_return false;
}

asio::awaitable<void> Session::run() {
  enter(Phase::idle);
  for (;;) {
    const auto head = parse_buffered();
    if (!head) {
      co_await refuse(head.error());
      break;
    }
    if (!*head) {
      prepare_to_read();
      const auto [error, count] = co_await stream_.read_some(asio::buffer(in_.data() + end_, in_.size() - end_));
      if (error) {
        if (phase_ == Phase::head) co_await refuse(why_reading_ended(error));
        break;
      }
      have_read(count);
      continue;
    }
    if (slot_.spare && !for_operators(request_.path)) {
      state_.metrics.connections_refused.Increment();
      co_await refuse(kManyConnections);
      break;
    }
    if (!take_body_at_once() && !co_await receive_body()) break;
    enter(Phase::handling);
    request_.received_at = std::chrono::steady_clock::now();
    const Response response = co_await state_.api.handle(request_);
    release_body();
    const bool keep_alive = framing_.keep_alive && !state_.draining && !slot_.spare;
    if (!send_at_once(response, keep_alive) && !co_await answer(response)) break;
    if (!keep_alive) {
      co_await linger();
      break;
    }
    finish_request();
  }
}

std::expected<std::optional<std::size_t>, Refusal> Session::parse_buffered() {
  // RFC 9112 section 2.2: an empty line before a request is forgiven.
  if (scanner_.is_fresh() && buffered().starts_with("\r\n")) begin_ += 2;
  const auto size = scanner_.scan(buffered(), state_.options.parser);
  if (!size) return std::unexpected(size.error());
  if (!*size) return std::nullopt;
  const auto framing = parse_head(buffered().substr(0, **size), state_.options.parser, request_);
  if (!framing) return std::unexpected(framing.error());
  framing_ = *framing;
  request_end_ = begin_ + **size;
  request_.body = {};
  request_.address_counted = false;
  request_.admitted = false;
  if (!state_.options.trusted_proxies.empty()) {
    request_.remote_address = state_.options.trusted_proxies.client(peer_, request_);
  }
  set_request_id(request_);
  set_trace(request_);
  return *size;
}

bool Session::body_is_here() const { return !framing_.chunked && end_ - request_end_ >= framing_.content_length; }

bool Session::take_body_at_once() {
  if (!body_is_here()) return false;
  const auto size = static_cast<std::size_t>(framing_.content_length);
  if (size > 0 && size > state_.api.body_limit(request_.method, request_.path)) return false;
  request_.body = {in_.data() + request_end_, size};
  request_end_ += size;
  return true;
}

asio::awaitable<bool> Session::receive_body() {
  if (!co_await may_send_body()) co_return false;
  const auto body = co_await read_body();
  if (!body) co_await refuse(body.error());
  co_return body.has_value();
}

// Do not buffer a large body for an unauthenticated client. A small body is read first: a second check would cost more.
asio::awaitable<bool> Session::may_send_body() {
  if (!framing_.chunked && framing_.content_length <= kSmallBody) co_return true;
  enter(Phase::handling);
  request_.received_at = std::chrono::steady_clock::now();
  const auto refusal = co_await state_.api.refuse_early(request_);
  if (refusal) co_await end_with(*refusal);
  co_return !refusal;
}

asio::awaitable<std::expected<void, Refusal>> Session::read_body() {
  const std::size_t limit = state_.api.body_limit(request_.method, request_.path);
  if (framing_.content_length > limit) co_return std::unexpected(kOverLimit);
  enter(Phase::body);
  if (framing_.expects_continue && end_ == request_end_) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto [error, count] = co_await stream_.write(kContinue, {});
    if (error) co_return std::unexpected(why_reading_ended(error));
  }
  if (framing_.chunked) co_return co_await read_chunked(limit);
  co_return co_await read_counted(static_cast<std::size_t>(framing_.content_length));
}

bool Session::reserve_body(std::size_t bytes) {
  if (bytes <= std::max(kSmallBody, reserved_)) return true;
  const std::size_t more = (bytes - reserved_ + kBodyStep - 1) / kBodyStep * kBodyStep;
  if (state_.body_bytes.fetch_add(more) + more > state_.options.max_body_bytes) {
    state_.body_bytes.fetch_sub(more);
    return false;
  }
  reserved_ += more;
  return true;
}

void Session::release_body() {
  give_back_if_large(body_, kInitialBuffer);
  state_.body_bytes.fetch_sub(std::exchange(reserved_, 0));
}

// Memory grows with what has arrived, not with what is announced; but who has sent a good part may send the rest.
asio::awaitable<std::expected<void, Refusal>> Session::read_counted(std::size_t size) {
  body_.assign(in_.data() + request_end_, end_ - request_end_);
  request_end_ = end_;
  std::size_t have = body_.size();
  while (have < size) {
    if (have == body_.size()) {
      const std::size_t next = have + std::min(size - have, std::max(kReadPiece, have));
      if (!reserve_body(have >= kBodyStep ? size : next)) co_return std::unexpected(kManyBodies);
      body_.resize(next);
    }
    const auto [error, count] = co_await stream_.read_some(asio::buffer(body_.data() + have, body_.size() - have));
    have += count;
    if (error) co_return std::unexpected(why_reading_ended(error));
  }
  request_.body = body_;
  co_return std::expected<void, Refusal>{};
}

asio::awaitable<std::expected<void, Refusal>> Session::read_chunked(std::size_t limit) {
  ChunkReader reader;
  const auto first = reader.feed({in_.data() + request_end_, end_ - request_end_}, body_, limit);
  if (!first) co_return std::unexpected(first.error());
  request_end_ += *first;
  std::vector<char> piece(reader.done() ? 0 : kReadPiece);
  while (!reader.done()) {
    if (!reserve_body(body_.size() + kReadPiece)) co_return std::unexpected(kManyBodies);
    const auto [error, count] = co_await stream_.read_some(asio::buffer(piece));
    if (error) co_return std::unexpected(why_reading_ended(error));
    const auto used = reader.feed({piece.data(), count}, body_, limit);
    if (!used) co_return std::unexpected(used.error());
    carry_.assign(piece.data() + *used, count - *used);
  }
  request_.body = body_;
  co_return std::expected<void, Refusal>{};
}

// True if all of it went out; an error is found again by answer().
bool Session::send_at_once(const Response& response, bool keep_alive) {
  ConnectionNote note = ConnectionNote::none;
  if (!keep_alive) {
    note = ConnectionNote::close;
  } else if (!framing_.http_1_1) {
    note = ConnectionNote::keep_alive;
  }
  out_.clear();
  append_head(out_, response, request_, note, loop_.date());
  const std::string_view body = request_.method == Method::head ? std::string_view{} : body_of(response);
  if (body.size() <= kInlineBody) out_ += body;
  const std::string_view rest = rest_of_body(response);
  sent_ = stream_.write_now(out_, rest);
  return sent_ == out_.size() + rest.size();
}

// Sends the rest that send_at_once() left. False if the client did not take it in time.
asio::awaitable<bool> Session::answer(const Response& response) {
  enter(Phase::writing);
  const std::string_view head = std::string_view(out_).substr(std::min(sent_, out_.size()));
  std::string_view body = rest_of_body(response);
  body.remove_prefix(sent_ > out_.size() ? sent_ - out_.size() : 0);
  const auto [error, count] = co_await stream_.write(head, body);
  co_return !error;
}

std::string_view Session::rest_of_body(const Response& response) const {
  const std::string_view body = body_of(response);
  return request_.method == Method::head || body.size() <= kInlineBody ? std::string_view{} : body;
}

asio::awaitable<void> Session::refuse(Refusal refusal) {
  release_body();
  if (client_gone_) co_return;
  if (request_.request_id.empty()) set_request_id(request_);
  request_.received_at = std::chrono::steady_clock::now();
  const Response response = state_.api.refuse({refusal.code, std::string(refusal.detail)}, request_);
  co_await end_with(response);
}

asio::awaitable<void> Session::end_with(const Response& response) {
  if (send_at_once(response, false) || co_await answer(response)) co_await linger();
}

// Closing with bytes unread would reset the connection, and the answer might be lost with it.
asio::awaitable<void> Session::linger() {
  enter(Phase::lingering);
  auto failed = co_await stream_.end_sending();
  std::vector<char> unwanted(kReadPiece);
  while (!failed && !expired_) {
    const auto [error, count] = co_await stream_.discard(asio::buffer(unwanted));
    failed = error;
  }
}

void Session::enter(Phase phase) {
  const ServerOptions& options = slot_.spare ? state_.spare_options : state_.options;
  phase_ = phase;
  expired_ = false;
  switch (phase) {
    case Phase::handshake:
      phase_ends_ = loop_.now() + options.header_timeout;
      return;
    case Phase::idle:
      phase_ends_ = loop_.now() + (state_.closing ? options.drain_idle : options.idle_timeout);
      return;
    case Phase::head:
      phase_ends_ = loop_.now() + options.header_timeout;
      return;
    case Phase::body:
      phase_ends_ = loop_.now() + options.body_timeout;
      return;
    case Phase::handling:  // ends by the request's own deadline
      phase_ends_ = std::chrono::steady_clock::time_point::max();
      return;
    case Phase::writing:
      phase_ends_ = loop_.now() + options.write_timeout;
      return;
    case Phase::lingering:
      phase_ends_ = loop_.now() + options.linger_timeout;
      return;
  }
}

void Session::enforce_time_limit(std::chrono::steady_clock::time_point now) {
  if (now < phase_ends_) return;
  expired_ = true;
  stream_.cancel();  // at each sweep: what was just done may be followed by another wait
}

void Session::hurry(std::chrono::steady_clock::time_point idle_ends) {
  if (phase_ == Phase::idle || phase_ == Phase::handshake) phase_ends_ = std::min(phase_ends_, idle_ends);
}

void Session::close() { stream_.close(); }

Refusal Session::why_reading_ended(boost::system::error_code error) {
  if (expired_) return kTooSlow;
  client_gone_ = error != asio::error::eof;
  return kEndedEarly;
}

void Session::prepare_to_read() {
  if (!buffered().empty() && phase_ == Phase::idle) enter(Phase::head);
  if (begin_ > 0) {
    std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
  }
  if (end_ == in_.size()) in_.resize(in_.size() * 2);  // the parser's limits end this
}

void Session::have_read(std::size_t count) {
  end_ += count;
  if (phase_ == Phase::idle) enter(Phase::head);
}

void Session::finish_request() {
  begin_ = request_end_;
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (in_.size() > kReadPiece) in_ = std::vector<char>(kInitialBuffer);
    if (in_.size() < carry_.size()) in_.resize(carry_.size());
    std::memcpy(in_.data(), carry_.data(), carry_.size());
    end_ = carry_.size();
    carry_.clear();
  }
  release_body();
  give_back_if_large(out_, kKeptBuffer);
  scanner_ = {};
  request_.method = Method::other;
  request_.method_text = request_.target = request_.path = request_.query = request_.body = {};
  request_.headers.clear();
  request_.request_id.clear();
  request_.trace.clear();
  request_.remote_address = peer_;
  enter(Phase::idle);
}

}  // namespace tps::http
