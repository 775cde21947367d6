#include "http/server/parser.hpp"

#include <algorithm>
#include <cstring>

#include "wire/ascii.hpp"

namespace tps::http {
namespace {

using domain::ErrorCode;

constexpr std::size_t kMaxMethodBytes = 32;
constexpr std::size_t kMaxChunkLine = 256;
constexpr std::size_t kMaxTrailerBytes = 4096;
constexpr std::size_t kMaxChunkSizeDigits = 15;
constexpr std::size_t kMaxLengthDigits = 18;

constexpr Refusal malformed(std::string_view detail) { return {ErrorCode::malformed_request, detail}; }
constexpr Refusal kBareLineEnd = malformed("Lines must end with CR LF");
constexpr Refusal kLongTarget{ErrorCode::uri_too_long, "The request target is too long"};
constexpr Refusal kLargeHeaders{ErrorCode::headers_too_large, "The header fields are too large"};
constexpr Refusal kBodyTooLarge{ErrorCode::payload_too_large, "The body is too large"};

std::unexpected<Refusal> refuse(Refusal refusal) { return std::unexpected(refusal); }

// Field values: visible, space, tab and bytes above 127; so no CR, LF or NUL.
bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || wire::is_visible(c) || c == ' ' || c == '\t';
  });
}

bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, wire::is_token_char); }

Method method_of(std::string_view text) {
  if (text == "GET") return Method::get;
  if (text == "POST") return Method::post;
  if (text == "HEAD") return Method::head;
  if (text == "PUT") return Method::put;
  if (text == "DELETE") return Method::delete_;
  if (text == "OPTIONS") return Method::options;
  return Method::other;
}

bool is_authority(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return wire::is_visible(c) && std::string_view("/?#@\\<>\"{}|^`").find(c) == std::string_view::npos;
  });
}

struct Target {
  std::string_view authority;  // empty in origin form
  std::string_view origin_form;
};

// "http://host/path?query" is the authority "host" and "/path?query".
std::expected<Target, Refusal> split_target(std::string_view target, Method method) {
  constexpr Refusal kBadTarget = malformed("The request target must be an absolute path");
  if (target == "*" && method == Method::options) return Target{{}, target};
  if (target.starts_with('/')) return Target{{}, target};
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos) return refuse(kBadTarget);
  const std::string_view scheme = target.substr(0, colon);
  if (!wire::equal_ignoring_case(scheme, "http") && !wire::equal_ignoring_case(scheme, "https"))
    return refuse(kBadTarget);
  const std::size_t path = target.find('/', colon + 3);
  if (path == std::string_view::npos || path == colon + 3) return refuse(kBadTarget);
  const std::string_view authority = target.substr(colon + 3, path - colon - 3);
  if (!is_authority(authority)) return refuse(malformed("The authority of the request target is not a host name"));
  return Target{authority, target.substr(path)};
}

std::expected<void, Refusal> parse_request_line(std::string_view line, const ParserLimits& limits, Request& request,
                                                Framing& framing) {
  constexpr Refusal kBadLine = malformed("The request line must be: method SP target SP version");
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refuse(kBadLine);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (target.size() > limits.max_target_bytes) return refuse(kLongTarget);
  request.method_text = line.substr(0, first);
  if (!is_token(request.method_text) || first > kMaxMethodBytes) return refuse(kBadLine);
  if (target.empty() || !std::ranges::all_of(target, wire::is_visible) || target.find('#') != std::string_view::npos) {
    return refuse(malformed("The request target has characters that must be percent-encoded"));
  }
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return refuse(malformed("Only HTTP/1.1 and HTTP/1.0 are spoken"));
  framing.http_1_1 = version == "HTTP/1.1";
  framing.keep_alive = framing.http_1_1;
  request.method = method_of(request.method_text);

  const auto split = split_target(target, request.method);
  if (!split) return refuse(split.error());
  request.authority = split->authority;
  request.target = split->origin_form;
  const std::size_t mark = request.target.find('?');
  request.path = request.target.substr(0, mark);
  request.query = mark == std::string_view::npos ? std::string_view{} : request.target.substr(mark + 1);
  return {};
}

// The framing headers of a request; each may come once.
struct Seen {
  bool host = false;
  bool length = false;
  bool encoding = false;
};

std::optional<Refusal> read_length(std::string_view value, Seen& seen, Framing& framing) {
  if (std::exchange(seen.length, true)) return malformed("Content-Length must come once");
  if (value.empty() || !std::ranges::all_of(value, wire::is_digit)) return malformed("Content-Length must be a number");
  if (value.size() > kMaxLengthDigits) return kBodyTooLarge;
  for (const char c : value) framing.content_length = framing.content_length * 10 + static_cast<unsigned>(c - '0');
  return std::nullopt;
}

std::optional<Refusal> read_encoding(std::string_view value, Seen& seen, Framing& framing) {
  if (std::exchange(seen.encoding, true)) return malformed("Transfer-Encoding must come once");
  if (!framing.http_1_1) return malformed("HTTP/1.0 has no Transfer-Encoding");
  if (!wire::equal_ignoring_case(value, "chunked"))
    return malformed("The only Transfer-Encoding understood is chunked");
  framing.chunked = true;
  return std::nullopt;
}

std::optional<Refusal> read_host(std::string_view value, Seen& seen) {
  if (std::exchange(seen.host, true)) return malformed("Host must come once");
  return is_authority(value) ? std::nullopt : std::optional(malformed("Host is not a host name"));
}

void read_connection(std::string_view value, Framing& framing) {
  while (!value.empty()) {
    const std::string_view option = wire::next_element(value, ',');
    if (wire::equal_ignoring_case(option, "close")) {
      framing.keep_alive = false;
      return;
    }
    if (!framing.http_1_1 && wire::equal_ignoring_case(option, "keep-alive")) framing.keep_alive = true;
  }
}

std::optional<Refusal> read_expectation(std::string_view value, Framing& framing) {
  if (!framing.http_1_1) return std::nullopt;  // RFC 9110 section 10.1.1: a 1.0 client cannot mean it
  if (!wire::equal_ignoring_case(value, "100-continue")) {
    return Refusal{ErrorCode::expectation_failed, "The only expectation understood is 100-continue"};
  }
  framing.expects_continue = true;
  return std::nullopt;
}

std::optional<Refusal> read_header(std::string_view name, std::string_view value, Seen& seen, Framing& framing) {
  switch (name.size()) {
    case 4:
      if (wire::equal_ignoring_case(name, "host")) return read_host(value, seen);
      break;
    case 6:
      if (wire::equal_ignoring_case(name, "expect")) return read_expectation(value, framing);
      break;
    case 10:
      if (wire::equal_ignoring_case(name, "connection")) read_connection(value, framing);
      break;
    case 14:
      if (wire::equal_ignoring_case(name, "content-length")) return read_length(value, seen, framing);
      break;
    case 17:
      if (wire::equal_ignoring_case(name, "transfer-encoding")) return read_encoding(value, seen, framing);
      break;
    default:
      break;
  }
  return std::nullopt;
}

std::expected<std::pair<std::string_view, std::string_view>, Refusal> split_header(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return refuse(malformed("Folded header lines are not accepted"));
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return refuse(malformed("A header line must be: name, colon, value"));
  }
  const std::string_view value = wire::trim(line.substr(colon + 1));
  if (!is_field_value(value)) return refuse(malformed("A header value has control characters"));
  return std::pair(line.substr(0, colon), value);
}

}  // namespace

std::expected<std::optional<std::size_t>, Refusal> HeadScanner::scan(std::string_view bytes,
                                                                     const ParserLimits& limits) {
  const std::size_t max_request_line = kMaxMethodBytes + limits.max_target_bytes + sizeof " HTTP/1.1\r\n";
  while (scanned_ < bytes.size()) {
    const void* found = std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_);
    if (found == nullptr) break;
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    if (at == 0 || bytes[at - 1] != '\r') return refuse(kBareLineEnd);
    scanned_ = at + 1;
    if (request_line_ == 0) request_line_ = scanned_;
    const bool empty_line = at - 1 == line_start_;
    line_start_ = scanned_;
    if (empty_line) {
      if (scanned_ - request_line_ > limits.max_header_bytes) return refuse(kLargeHeaders);
      return scanned_;
    }
  }
  scanned_ = bytes.size();
  if (request_line_ == 0) {
    if (bytes.size() > max_request_line) return refuse(kLongTarget);
  } else if (bytes.size() - request_line_ > limits.max_header_bytes) {
    return refuse(kLargeHeaders);
  }
  return std::nullopt;
}

std::expected<Framing, Refusal> parse_head(std::string_view head, const ParserLimits& limits, Request& request) {
  Framing framing;
  Seen seen;
  request.headers.clear();
  std::size_t end = head.find("\r\n");
  const auto line = parse_request_line(head.substr(0, end), limits, request, framing);
  if (!line) return refuse(line.error());
  for (head.remove_prefix(end + 2); !head.starts_with("\r\n"); head.remove_prefix(end + 2)) {
    end = head.find("\r\n");
    if (end == std::string_view::npos) return refuse(kBareLineEnd);
    if (request.headers.size() == limits.max_headers) return refuse(kLargeHeaders);
    const auto header = split_header(head.substr(0, end));
    if (!header) return refuse(header.error());
    if (const auto refusal = read_header(header->first, header->second, seen, framing)) return refuse(*refusal);
    request.headers.push_back(*header);
  }
  if (framing.http_1_1 && !seen.host) return refuse(malformed("Host is required"));
  if (request.authority.empty()) request.authority = request.header("host").value_or("");
  if (seen.length && seen.encoding) return refuse(malformed("Content-Length and Transfer-Encoding exclude each other"));
  return framing;
}

std::expected<std::size_t, Refusal> ChunkReader::feed(std::string_view bytes, std::string& body, std::size_t limit) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ != State::done) {
    if (state_ == State::data) {
      const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - used));
      body.append(bytes.substr(used, piece));
      used += piece;
      left_ -= piece;
      if (left_ == 0) state_ = State::data_end;
      continue;
    }
    const char c = bytes[used++];
    line_ += c;
    if (line_.size() > (state_ == State::trailer_line ? kMaxTrailerBytes : kMaxChunkLine)) {
      return refuse(malformed("A line of the chunked body is too long"));
    }
    if (c != '\n') continue;
    if (!line_.ends_with("\r\n")) return refuse(kBareLineEnd);
    line_.resize(line_.size() - 2);
    if (const auto refusal = finish_line()) return refuse(*refusal);
    line_.clear();
    if (state_ == State::data && left_ > limit - std::min(limit, body.size())) return refuse(kBodyTooLarge);
  }
  return used;
}

std::optional<Refusal> ChunkReader::finish_line() {
  switch (state_) {
    case State::size_line:
      return finish_size_line();
    case State::data_end:
      if (!line_.empty()) return malformed("A chunk is longer than its size says");
      state_ = State::size_line;
      return std::nullopt;
    default:  // a trailer line: checked like a header, then ignored
      if (line_.empty()) {
        state_ = State::done;
        return std::nullopt;
      }
      trailer_bytes_ += line_.size();
      if (trailer_bytes_ > kMaxTrailerBytes) return kLargeHeaders;
      const auto header = split_header(line_);
      return header ? std::nullopt : std::optional(header.error());
  }
}

std::optional<Refusal> ChunkReader::finish_size_line() {
  const std::size_t digits = std::min(line_.find(';'), line_.size());
  if (digits == 0 || digits > kMaxChunkSizeDigits || !is_field_value(line_)) return malformed("Bad chunk size");
  left_ = 0;
  for (const char c : std::string_view(line_).substr(0, digits)) {
    const int digit = wire::hex_digit(c);
    if (digit < 0) return malformed("Bad chunk size");
    left_ = left_ * 16 + static_cast<unsigned>(digit);
  }
  state_ = left_ == 0 ? State::trailer_line : State::data;
  return std::nullopt;
}

}  // namespace tps::http
