// The server through a real socket: framing, order, limits.
#include "http/server/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "http/server/server_fixture_test.hpp"

namespace tps::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kGood = R"({"user_id":"a","amount":1,"currency":"USD"})";

int count(std::string_view text, std::string_view part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

void wait_for_connections(TestServer& server, double open) {
  const auto give_up = steady_clock::now() + seconds(10);
  while (server.service.metrics.connections.Value() != open && steady_clock::now() < give_up) std::this_thread::yield();
  EXPECT_EQ(server.service.metrics.connections.Value(), open);
}

TEST(Server, KeepsTheConnectionUntilAskedNotTo) {
  TestServer server;
  Client client(server);
  client.send(get("/health", ""));
  EXPECT_THAT(client.until("}"), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), Not(HasSubstr("Connection:"))));
  client.send("\r\n" + get("/health"));
  EXPECT_THAT(client.rest(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\nConnection: close\r\n"),
                                   EndsWith("\r\n\r\n{\"status\":\"ok\"}")));
}

TEST(Server, SpeaksHttp10) {
  TestServer server;
  EXPECT_THAT(Client(server).send("GET /health HTTP/1.0\r\n\r\n").rest(), HasSubstr("Connection: close\r\n"));
  Client client(server);
  client.send("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(client.until("}"), HasSubstr("Connection: keep-alive\r\n"));
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  TestServer server;
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += post("/transactions", kGood, "X-Request-Id: post" + std::to_string(i) + "\r\n");
    requests += get("/health", "X-Request-Id: get" + std::to_string(i) + "\r\n");
  }
  const std::string answers = Client(server).send(requests + get("/health")).rest();
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = answers.find("X-Request-Id: post" + std::to_string(i) + "\r\n", at);
    ASSERT_NE(at, std::string::npos) << i;
    EXPECT_EQ(answers.find("/transactions/" + std::to_string(i + 1) + "\r\n", at) < answers.find("HTTP/1.1", at), true);
    at = answers.find("X-Request-Id: get" + std::to_string(i) + "\r\n", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST(Server, TakesARequestByteByByte) {
  TestServer server;
  Client client(server);
  for (const char c : post("/transactions", kGood, "Connection: close\r\n")) client.send(std::string_view(&c, 1));
  EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 201 Created\r\n"));
}

TEST(Server, HeadHasTheHeadersAndNoBody) {
  TestServer server;
  const std::string answer =
      Client(server).send("HEAD /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").rest();
  EXPECT_THAT(answer, AllOf(HasSubstr("Content-Length: 15\r\n"), EndsWith("\r\n\r\n")));
}

TEST(Server, ReadsChunkedBodiesAndWhatFollows) {
  TestServer server;
  const std::string head =
      "POST /transactions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  const std::string body = "5\r\n{\"use\r\n26\r\nr_id\":\"a\",\"amount\":1,\"currency\":\"USD\"}\r\n0\r\n\r\n";
  const std::string answer = Client(server).send(head + body + head).send(body + get("/health")).rest();
  EXPECT_EQ(count(answer, "201 Created"), 2) << answer;
  EXPECT_THAT(answer, EndsWith("{\"status\":\"ok\"}"));
}

TEST(Server, ReadsLargeBodiesAndWhatFollows) {
  TestServer server;
  std::string lines;
  while (lines.size() < 1'000'000) lines.append(kGood).append("\n");
  std::string request = post("/transactions/batch", lines);
  request.replace(request.find("application/json"), 16, "application/x-ndjson");
  const std::string answer = Client(server).send(request + get("/health")).rest();
  EXPECT_THAT(answer, AllOf(HasSubstr("validation_failed"), HasSubstr("too_many"), EndsWith("{\"status\":\"ok\"}")));
}

TEST(Server, LimitsBodiesByRoute) {
  TestServer server;
  const auto announce = [&](std::string_view path, std::size_t size) {
    return Client(server)
        .send("POST " + std::string(path) + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) +
              "\r\n\r\n")
        .end()
        .rest();
  };
  EXPECT_THAT(announce("/transactions", (1 << 20) + 1), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(announce("/transactions", 1 << 20), StartsWith("HTTP/1.1 400 "));  // ended early
  EXPECT_THAT(announce("/transactions/batch", (1 << 24) + 1), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(announce("/transactions/batch", 1 << 24), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(announce("/nowhere", (1 << 16) + 1), StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(server.service.store.size(), 0U);
}

TEST(Server, A413ArrivesThoughTheBodyIsStillBeingSent) {
  TestServer server;
  const std::string large(8 << 20, 'x');
  EXPECT_THAT(Client(server).send(post("/transactions", large)).rest(),
              AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("\"code\":\"payload_too_large\"")));
}

TEST(Server, RefusesAndCloses) {
  TestServer server;
  struct Case {
    std::string bytes;
    const char* status;
  };
  const std::string chunked = "POST /transactions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";
  const Case cases[] = {
      {chunked + "Content-Length: 4\r\n\r\n0\r\n\r\n", "400"},
      {chunked + "\r\nzz\r\n", "400"},
      {chunked + "\r\nFFFFFF\r\n", "413"},
      {"GET / HTTP/1.1\n\n", "400"},
      {"GET /" + std::string(9000, 'a'), "414"},
      {"GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(33'000, 'a'), "431"},
      {post("/transactions", "x", "Expect: something\r\n"), "417"},
  };
  for (const Case& c : cases) {
    const std::string answer = Client(server).send(c.bytes + get("/health", "")).rest();
    EXPECT_THAT(answer, StartsWith(std::string("HTTP/1.1 ") + c.status)) << c.bytes.substr(0, 80);
    EXPECT_EQ(count(answer, "HTTP/1.1 "), 1) << "nothing after a refusal is a request: " << c.bytes.substr(0, 80);
    EXPECT_THAT(answer, AllOf(HasSubstr("Connection: close\r\n"), HasSubstr("application/problem+json"),
                              HasSubstr("X-Request-Id: ")));
  }
}

TEST(Server, SaysContinueBeforeTheBodyOnly) {
  TestServer server;
  Client client(server);
  std::string request = post("/transactions", kGood, "Expect: 100-continue\r\nConnection: close\r\n");
  client.send(request.substr(0, request.size() - kGood.size()));
  EXPECT_EQ(client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(client.send(kGood).rest(), StartsWith("HTTP/1.1 201 "));
  EXPECT_THAT(Client(server).send(request).rest(), StartsWith("HTTP/1.1 201 "));
  const std::string large =
      "POST /transactions HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n";
  EXPECT_THAT(Client(server).send(large).end().rest(), StartsWith("HTTP/1.1 413 "));
}

TEST(Server, EndsSlowRequestsAndIdleConnections) {
  ServerOptions options;
  options.header_timeout = options.body_timeout = options.idle_timeout = milliseconds(50);
  TestServer server(options);
  EXPECT_EQ(Client(server).rest(), "");
  EXPECT_EQ(count(Client(server).send(get("/health", "")).rest(), "HTTP/1.1 "), 1);
  EXPECT_THAT(Client(server).send("GET / HT").rest(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(Client(server).send(post("/transactions", kGood).substr(0, 120)).rest(), StartsWith("HTTP/1.1 408 "));
}

TEST(Server, SendsLargeAnswersToSlowReadersAndGivesUpOnDeadOnes) {
  ServerOptions options;
  options.write_timeout = milliseconds(100);
  TestServer server(options);
  const std::string page = get("/docs/assets/redoc.standalone.js", "");
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += page;
  Client dead(server);
  dead.send(requests);  // and never reads, until the server has given up
  wait_for_connections(server, 0);
  const std::string whole = Client(server).send(get("/docs/assets/redoc.standalone.js")).rest();
  EXPECT_THAT(whole, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_GT(whole.size(), 100'000U);
}

TEST(Server, OneConnectionTooManyIsToldSo) {
  ServerOptions options;
  options.max_connections = 2;
  TestServer server(options);
  Client first(server);
  Client second(server);
  first.send(get("/health", "")).until("}");
  second.send(get("/health", "")).until("}");
  EXPECT_THAT(Client(server).send(post("/transactions", kGood)).rest(),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 1\r\n"), HasSubstr("Connection: close\r\n")));
  EXPECT_EQ(server.service.store.size(), 0U);
  EXPECT_EQ(server.service.metrics.connections_refused.Value(), 1);
  first.send(get("/health")).rest();
  const auto give_up = steady_clock::now() + seconds(10);
  std::string answer;
  while (!answer.starts_with("HTTP/1.1 200") && steady_clock::now() < give_up)
    answer = Client(server).send(get("/health")).rest();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
}

// Otherwise an orchestrator would take the instance for dead and restart it.
TEST(Server, AnswersItsOperatorsAboveTheLimit) {
  ServerOptions options;
  options.max_connections = 1;
  options.spare_connections = 2;
  options.spare_timeout = milliseconds(100);
  TestServer server(options);
  Client first(server);
  first.send(get("/health", "")).until("}");
  for (const char* path : {"/health", "/metrics", "/health?verbose"}) {
    EXPECT_THAT(Client(server).send(get(path, "")).rest(),
                AllOf(StartsWith("HTTP/1.1 200 OK"), HasSubstr("Connection: close\r\n")))
        << path;
  }
  EXPECT_THAT(Client(server).send(get("/readiness", "")).rest(), HasSubstr("\"status\""));
  EXPECT_THAT(Client(server).send(get("/healthy", "")).rest(), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(server.service.metrics.connections_refused.Value(), 1);
}

TEST(Server, SparePlacesAreFewAndNobodyStaysThere) {
  ServerOptions options;
  options.max_connections = 1;
  options.spare_connections = 1;
  options.spare_timeout = milliseconds(300);
  TestServer server(options);
  Client first(server);
  first.send(get("/health", "")).until("}");
  Client silent(server);
  wait_for_connections(server, 2);
  EXPECT_THAT(Client(server).send(get("/health", "")).rest(), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(silent.rest(), "");  // without having been answered
  wait_for_connections(server, 1);
  // The route is known only after the place has been given.
  Client late(server);
  wait_for_connections(server, 2);
  EXPECT_THAT(late.send(post("/transactions", kGood)).rest(),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Too many connections")));
  EXPECT_EQ(server.service.store.size(), 0U);
}

TEST(Server, ServesOnManyThreads) {
  ServerOptions options;
  options.io_threads = 3;
  TestServer server(options);
  EXPECT_EQ(server.server.contexts().size(), 3U);
  for (int i = 0; i < 9; ++i) {
    EXPECT_THAT(Client(server).send(post("/transactions", kGood, "Connection: close\r\n")).rest(),
                StartsWith("HTTP/1.1 201"));
  }
}

TEST(Server, LargeBodiesTogetherHaveALimit) {
  ServerOptions options;
  options.max_body_bytes = 1024 * 1024;
  TestServer server(options);
  const std::string large(90'000, ' ');  // white space before the object
  const auto good = [&] {
    return Client(server).send(post("/transactions", large + std::string(kGood), "Connection: close\r\n")).rest();
  };
  EXPECT_THAT(good(), StartsWith("HTTP/1.1 201"));
  EXPECT_THAT(Client(server).send(post("/transactions/batch", std::string(1'500'000, ' '))).rest(),
              AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After")));
  EXPECT_THAT(good(), StartsWith("HTTP/1.1 201"));
}

TEST(Server, GoesOnWhenClientsLeave) {
  TestServer server;
  for (int i = 0; i < 20; ++i) {
    Client(server).send(post("/transactions", kGood));
    Client(server).send(post("/transactions", kGood).substr(0, 100));
    Client(server).send("GET");
  }
  EXPECT_THAT(Client(server).send(get("/health")).rest(), StartsWith("HTTP/1.1 200"));
}

TEST(Server, SaysThatAPortIsTaken) {
  TestServer first;
  ServerOptions taken;
  taken.listen = parse_endpoint("127.0.0.1:" + std::to_string(first.server.port())).value();
  Server second(taken, first.api, first.service.metrics);
  const auto started = second.start();
  ASSERT_FALSE(started.has_value());
  EXPECT_THAT(started.error(), StartsWith("listen: cannot listen on 127.0.0.1:"));
}

}  // namespace
}  // namespace tps::http
