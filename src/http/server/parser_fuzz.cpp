// The meaning of a request does not depend on how its bytes arrive, and an accepted request has exactly one reading.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/server/parser.hpp"

extern const std::span<const std::string_view> fuzz_seeds;

namespace {

using tps::http::ChunkReader;
using tps::http::Framing;
using tps::http::HeadScanner;
using tps::http::ParserLimits;
using tps::http::Request;

constexpr ParserLimits kLimits{.max_target_bytes = 200, .max_header_bytes = 500, .max_headers = 8};
constexpr std::size_t kMaxBody = 300;

constexpr std::array<std::string_view, 10> kSeeds{
    "GET /transactions/1?a=b HTTP/1.1\r\nHost: localhost:8000\r\nX-Request-Id: r1\r\n\r\n",
    "POST /transactions HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n{}",
    "POST /transactions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET / "
    "HTTP/1.1\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n000\r\nTrailer: 1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
    "GET http://host/path HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"};

void expect(bool holds) {
  if (!holds) std::abort();
}

// The size of the head, if there is a whole and good one, with the bytes coming in steps of `step`.
std::optional<std::size_t> find_head(std::string_view bytes, std::size_t step) {
  HeadScanner scanner;
  for (std::size_t end = std::min(step, bytes.size());; end = std::min(end + step, bytes.size())) {
    const auto found = scanner.scan(bytes.substr(0, end), kLimits);
    if (!found) return std::nullopt;
    if (*found) return *found;
    if (end == bytes.size()) return std::nullopt;
  }
}

struct Chunked {
  bool refused = false;
  bool done = false;
  std::size_t used = 0;
  std::string body;
  bool operator==(const Chunked&) const = default;
};

Chunked read_chunks(std::string_view bytes, std::size_t step) {
  ChunkReader reader;
  Chunked result;
  while (result.used < bytes.size() && !reader.done()) {
    const auto used = reader.feed(bytes.substr(result.used, step), result.body, kMaxBody);
    if (!used) return {.refused = true, .done = false, .used = 0, .body = {}};
    result.used += *used;
  }
  result.done = reader.done();
  return result;
}

bool is_within(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_accepted(std::string_view head, const Framing& framing, const Request& request) {
  expect(is_within(request.target, head) && is_within(request.path, head) && is_within(request.query, head));
  expect(request.target.starts_with('/') || request.target == "*");
  expect(request.target.find_first_of("\r\n\t #") == std::string_view::npos);
  expect(!framing.chunked || framing.content_length == 0);
  expect(request.headers.size() <= kLimits.max_headers);
  for (const auto& [name, value] : request.headers) {
    expect(is_within(name, head) && is_within(value, head) && !name.empty());
    expect(name.find_first_of(": \t\r\n") == std::string_view::npos);
    expect(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  }
  for (const std::string_view once : {"host", "content-length", "transfer-encoding"}) {
    expect(request.header_count(once) <= 1);
  }
  expect(request.header_count("content-length") + request.header_count("transfer-encoding") <= 1);
}

}  // namespace

const std::span<const std::string_view> fuzz_seeds(kSeeds);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = find_head(bytes, std::max<std::size_t>(size, 1));
  const auto by_byte = find_head(bytes, 1);
  // A line that is too long may be refused before its end has come, or after it as a whole.
  expect(!by_byte || by_byte == whole);
  std::string_view body = bytes;
  if (whole) {
    Request request;
    const std::string_view head = bytes.substr(0, *whole);
    const auto framing = parse_head(head, kLimits, request);
    if (framing) {
      expect(by_byte == whole);
      check_accepted(head, *framing, request);
    }
    body = bytes.substr(*whole);
  }
  const Chunked at_once = read_chunks(body, std::max<std::size_t>(body.size(), 1));
  expect(at_once == read_chunks(body, 1));
  expect(at_once.body.size() <= kMaxBody);
  return 0;
}
