// The strict HTTP/1.1 reader (RFC 9112): bytes in, a request's head and framing out. Whatever two servers could read
// differently (both lengths, bare LF, folded lines...) is refused, so nothing can be smuggled past a proxy in front.
// No sockets, no waiting: the session feeds it.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "domain/error.hpp"
#include "http/headers/message.hpp"

namespace tps::http {

struct ParserLimits {
  std::size_t max_target_bytes = 8 * 1024;
  std::size_t max_header_bytes = 32 * 1024;
  std::size_t max_headers = 100;
};

// Why a request is refused; the connection is closed after the answer. `detail` is in static storage.
struct Refusal {
  domain::ErrorCode code;
  std::string_view detail;
};

// Finds the end of a head in bytes that arrive piece by piece, each byte looked at once.
class HeadScanner {
 public:
  // `bytes` is everything received of this head so far. The size of the head with its empty line; nullopt: more is
  // needed.
  std::expected<std::optional<std::size_t>, Refusal> scan(std::string_view bytes, const ParserLimits& limits);
  [[nodiscard]] bool is_fresh() const { return scanned_ == 0; }  // has not seen a byte

 private:
  std::size_t scanned_ = 0;
  std::size_t line_start_ = 0;
  std::size_t request_line_ = 0;  // its size with CRLF, once complete
};

// How the body is delimited and what happens to the connection.
struct Framing {
  bool http_1_1 = true;
  bool keep_alive = true;
  bool chunked = false;
  bool expects_continue = false;
  std::uint64_t content_length = 0;
};

// Reads a whole head (as found by HeadScanner). Sets method, target, path, query and headers of `request`, as views
// into `head`.
std::expected<Framing, Refusal> parse_head(std::string_view head, const ParserLimits& limits, Request& request);

// Decodes a chunked body.
class ChunkReader {
 public:
  // Consumes from `bytes`, appends data to `body` up to `limit` bytes, and returns how many bytes were consumed: all,
  // unless the body ended (done()).
  std::expected<std::size_t, Refusal> feed(std::string_view bytes, std::string& body, std::size_t limit);
  [[nodiscard]] bool done() const { return state_ == State::done; }

 private:
  enum class State : std::uint8_t { size_line, data, data_end, trailer_line, done };
  std::optional<Refusal> finish_line();
  std::optional<Refusal> finish_size_line();

  State state_ = State::size_line;
  std::string line_;
  std::uint64_t left_ = 0;  // of the current chunk
  std::size_t trailer_bytes_ = 0;
};

}  // namespace tps::http
