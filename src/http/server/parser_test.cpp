#include "http/server/parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tps::http {
namespace {

using domain::ErrorCode;

struct Parsed {
  std::optional<Refusal> refusal;
  bool complete = false;
  Framing framing;
  Request request;
};

// Views into `text`.
Parsed parse(std::string_view text, const ParserLimits& limits = {}) {
  Parsed parsed;
  HeadScanner scanner;
  const auto size = scanner.scan(text, limits);
  if (!size) {
    parsed.refusal = size.error();
    return parsed;
  }
  if (!*size) return parsed;
  parsed.complete = true;
  const auto framing = parse_head(text.substr(0, **size), limits, parsed.request);
  if (framing) {
    parsed.framing = *framing;
  } else {
    parsed.refusal = framing.error();
  }
  return parsed;
}

struct Case {
  const char* name;
  std::string text;
  ErrorCode code = ErrorCode::malformed_request;
};

// "POST / HTTP/1.1" with a good Host and these lines.
std::string post(const std::string& lines) { return "POST /x HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n"; }

TEST(Parser, RefusesWhatTwoServersCouldReadDifferently) {
  const std::string nul(1, '\0');
  const Case cases[] = {
      {"both lengths", post("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")},
      {"both lengths, other order", post("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")},
      {"two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n")},
      {"two equal lengths", post("Content-Length: 1\r\nContent-Length: 1\r\n")},
      {"lengths in a list", post("Content-Length: 1, 1\r\n")},
      {"length with sign", post("Content-Length: +1\r\n")},
      {"negative length", post("Content-Length: -1\r\n")},
      {"hexadecimal length", post("Content-Length: 0x1\r\n")},
      {"empty length", post("Content-Length:\r\n")},
      {"length of two numbers", post("Content-Length: 1 1\r\n")},
      {"huge length", post("Content-Length: 99999999999999999999\r\n"), ErrorCode::payload_too_large},
      {"other encoding", post("Transfer-Encoding: gzip\r\n")},
      {"encodings in a list", post("Transfer-Encoding: gzip, chunked\r\n")},
      {"identity", post("Transfer-Encoding: identity\r\n")},
      {"chunked twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
      {"vertical tab before chunked", post("Transfer-Encoding: \x0b"
                                           "chunked\r\n")},
      {"chunked in 1.0", "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"space before colon", post("Content-Length : 1\r\n")},
      {"tab before colon", post("Content-Length\t: 1\r\n")},
      {"folded line", post("A: b\r\n c\r\n")},
      {"folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
      {"bare LF", "GET / HTTP/1.1\nHost: a\n\n"},
      {"bare LF in headers", "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n"},
      {"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n"},
      {"bare CR in a value", post("A: b\rc\r\n")},
      {"bare CR in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"NUL in a value", post("A: b" + nul + "\r\n")},
      {"NUL in a name", post("A" + nul + ": b\r\n")},
      {"no colon", post("abc\r\n")},
      {"no name", post(": b\r\n")},
      {"name with brackets", post("A(b): c\r\n")},
  };
  for (const Case& c : cases) {
    const Parsed parsed = parse(c.text);
    ASSERT_TRUE(parsed.refusal.has_value()) << c.name;
    EXPECT_EQ(parsed.refusal->code, c.code) << c.name;
  }
}

TEST(Parser, RefusesBadRequestLinesAndHosts) {
  const Case cases[] = {
      {"no host", "GET / HTTP/1.1\r\n\r\n"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
      {"host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
      {"no version", "GET /\r\nHost: a\r\n\r\n"},
      {"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"space in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"relative target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"authority target", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"star without OPTIONS", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"bytes above 127", "GET /\xC3\xA9 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"other scheme", "GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"method not a token", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\n"},
      {"HTTP/0.9", "GET / HTTP/0.9\r\n\r\n"},
      {"HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n"},
      {"lower case", "GET / http/1.1\r\nHost: a\r\n\r\n"},
      {"other expectation", post("Expect: 200-ok\r\n"), ErrorCode::expectation_failed},
      {"empty line", "\r\n"},
  };
  for (const Case& c : cases) {
    const Parsed parsed = parse(c.text);
    ASSERT_TRUE(parsed.refusal.has_value()) << c.name;
    EXPECT_EQ(parsed.refusal->code, c.code) << c.name;
  }
}

TEST(Parser, HoldsItsLimitsAlsoWhenNothingEnds) {
  const ParserLimits limits{.max_target_bytes = 100, .max_header_bytes = 200, .max_headers = 3};
  const std::string line = "GET /" + std::string(99, 'a') + " HTTP/1.1\r\n";
  EXPECT_FALSE(parse(line + "Host: a\r\n\r\n", limits).refusal);
  const Case cases[] = {
      {"target", "GET /" + std::string(100, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", ErrorCode::uri_too_long},
      {"endless target", "GET /" + std::string(200, 'a'), ErrorCode::uri_too_long},
      {"large header", line + "Host: a\r\nB: " + std::string(200, 'b') + "\r\n\r\n", ErrorCode::headers_too_large},
      {"endless header", line + "Host: a\r\nB: " + std::string(200, 'b'), ErrorCode::headers_too_large},
      {"many headers", line + "Host: a\r\nB:\r\nC:\r\nD:\r\n\r\n", ErrorCode::headers_too_large},
  };
  for (const Case& c : cases) {
    const Parsed parsed = parse(c.text, limits);
    ASSERT_TRUE(parsed.refusal.has_value()) << c.name;
    EXPECT_EQ(parsed.refusal->code, c.code) << c.name;
  }
}

TEST(Parser, ReadsARequest) {
  const std::string text = "POST /a/b?c=d HTTP/1.1\r\nhOsT: x\r\nX-A: \t b c \t\r\nContent-Length: 12\r\n\r\n";
  const Parsed parsed = parse(text);
  ASSERT_FALSE(parsed.refusal);
  EXPECT_EQ(parsed.request.method, Method::post);
  EXPECT_EQ(parsed.request.target, "/a/b?c=d");
  EXPECT_EQ(parsed.request.path, "/a/b");
  EXPECT_EQ(parsed.request.query, "c=d");
  EXPECT_EQ(parsed.request.header("x-a"), "b c");
  EXPECT_EQ(parsed.request.header("x-b"), std::nullopt);
  EXPECT_EQ(parsed.framing.content_length, 12U);
  EXPECT_TRUE(parsed.framing.keep_alive);
}

TEST(Parser, AcceptsAbsoluteForm) {
  const std::string text = "GET http://a:80/b?c HTTP/1.1\r\nHost: a\r\n\r\n";
  const Parsed parsed = parse(text);
  ASSERT_FALSE(parsed.refusal);
  EXPECT_EQ(parsed.request.path, "/b");
  EXPECT_EQ(parsed.request.query, "c");
  EXPECT_EQ(parsed.request.authority, "a:80");
}

TEST(Parser, TheAuthorityOfAnAbsoluteTargetReplacesTheHost) {
  EXPECT_EQ(parse("GET http://evil.example/b HTTP/1.1\r\nHost: localhost\r\n\r\n").request.authority, "evil.example");
  EXPECT_EQ(parse("GET /b HTTP/1.1\r\nHost: localhost:80\r\n\r\n").request.authority, "localhost:80");
  EXPECT_EQ(parse("GET /b HTTP/1.0\r\n\r\n").request.authority, "");
  for (const char* target :
       {"http://a@b/c", "http://a<b/c", "http://a\\b/c", "http:///c", "http://a", "http://a?b/c"}) {
    EXPECT_TRUE(parse("GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n").refusal) << target;
  }
}

TEST(Parser, KnowsWhenTheConnectionStays) {
  struct Keep {
    std::string text;
    bool keep_alive;
  };
  const Keep cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: te, close\r\n\r\n", false},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
  };
  for (const Keep& c : cases) EXPECT_EQ(parse(c.text).framing.keep_alive, c.keep_alive) << c.text;
}

TEST(Parser, ScansPieceByPieceAsInOne) {
  const std::string text = "GET /a HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\nrest";
  HeadScanner scanner;
  std::size_t end = 0;
  for (std::size_t i = 1; i <= text.size() && end == 0; ++i) {
    const auto size = scanner.scan(std::string_view(text).substr(0, i), {});
    ASSERT_TRUE(size.has_value());
    if (*size) end = **size;
  }
  EXPECT_EQ(text.substr(end), "rest");
}

std::expected<std::string, ErrorCode> read_chunks(std::string_view text, std::size_t piece, std::size_t limit = 100) {
  ChunkReader reader;
  std::string body;
  while (!text.empty() && !reader.done()) {
    const auto used = reader.feed(text.substr(0, piece), body, limit);
    if (!used) return std::unexpected(used.error().code);
    text.remove_prefix(*used);
  }
  return reader.done() ? body + "|" + std::string(text) : "incomplete";
}

TEST(Parser, ReadsChunksInPiecesOfAnySize) {
  const std::string text = "3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\nnext";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) EXPECT_EQ(read_chunks(text, piece), "abc0123456789|next");
  EXPECT_EQ(read_chunks("0\r\n\r\n", 99), "|");
  EXPECT_EQ(read_chunks("3\r\nab", 99), "incomplete");
}

TEST(Parser, RefusesBadChunks) {
  const Case cases[] = {
      {"no size", "\r\nabc"},
      {"not hexadecimal", "xyz\r\n"},
      {"prefix", "0x3\r\nabc\r\n"},
      {"sign", "+3\r\nabc\r\n"},
      {"negative", "-3\r\nabc\r\n"},
      {"space", "3 \r\nabc\r\n"},
      {"leading space", " 3\r\nabc\r\n"},
      {"bare LF", "3\nabc\r\n"},
      {"bare LF after data", "3\r\nabc\n"},
      {"longer than its size", "3\r\nabcd\r\n"},
      {"overflow", "10000000000000003\r\nabc\r\n"},
      {"endless extension", "3;" + std::string(300, 'a')},
      {"control character in extension", "3;a\x01\r\nabc\r\n"},
      {"bad trailer", "0\r\nabc\r\n\r\n"},
      {"folded trailer", "0\r\n a: b\r\n\r\n"},
      {"over the limit", "65\r\n", ErrorCode::payload_too_large},
      {"over the limit together", "64\r\n" + std::string(100, 'a') + "\r\n1\r\n", ErrorCode::payload_too_large},
  };
  for (const Case& c : cases) {
    for (const std::size_t piece : {1U, 7U, 1000U}) {
      const auto body = read_chunks(c.text, piece);
      ASSERT_FALSE(body.has_value()) << c.name;
      EXPECT_EQ(body.error(), c.code) << c.name;
    }
  }
}

}  // namespace
}  // namespace tps::http
