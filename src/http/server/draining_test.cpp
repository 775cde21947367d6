// How the server ends: what it still answers, and what it closes when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "http/server/server_fixture_test.hpp"

namespace tps::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::StartsWith;

// Asks until an answer says that it is the last one of its connection; the last answer if none does.
template <class Ask>
std::string first_to_say_close(Ask ask) {
  const auto give_up = steady_clock::now() + seconds(10);
  std::string answer;
  while (answer.find("Connection: close") == std::string::npos && steady_clock::now() < give_up) answer = ask();
  return answer;
}

// Balancers go on sending until their next check: on new connections, and on idle ones that they keep.
TEST(Draining, ServesWhileBalancersTakeNotice) {
  ServerOptions options;
  options.drain_delay = seconds(600);
  options.drain_idle = milliseconds(0);
  TestServer server(options);
  Client before(server);
  before.send(get("/health", "")).until("}");
  std::thread draining([&] { server.server.drain(); });
  const std::string answer = first_to_say_close([&] { return Client(server).send(get("/health", "")).until("}"); });
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(before.send(get("/health", "")).rest(),
              AllOf(StartsWith("HTTP/1.1 200 OK"), HasSubstr("Connection: close\r\n")));
  server.server.stop();
  draining.join();
}

// Closing a listener resets connections that the server has not accepted yet, so they are accepted first.
TEST(Draining, AnswersWhoeverGotThrough) {
  ServerOptions options;
  options.drain_idle = seconds(600);
  TestServer server(options);
  std::vector<std::unique_ptr<Client>> clients;
  clients.reserve(300);
  for (int i = 0; i < 300; ++i) clients.push_back(std::make_unique<Client>(server));
  std::thread draining([&] { server.server.drain(); });
  for (const auto& client : clients) client->send(get("/health", ""));
  for (const auto& client : clients) {
    EXPECT_THAT(client->until("}"), StartsWith("HTTP/1.1 200 OK"));
  }
  clients.clear();  // connections that were answered before it began may still stay
  draining.join();
}

TEST(Draining, EndsAConnectionAfterItsNextAnswer) {
  ServerOptions options;
  options.drain_idle = seconds(10);
  TestServer server(options);
  Client client(server);
  client.send(get("/health", "")).until("}");
  std::thread draining([&] { server.server.drain(); });
  const std::string answer = first_to_say_close([&] { return client.send(get("/health", "")).until("}"); });
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200 OK"), HasSubstr("Connection: close\r\n")));
  EXPECT_EQ(client.rest(), "");
  draining.join();
  EXPECT_THROW(Client late(server), boost::system::system_error);
}

TEST(Draining, ClosesIdleConnections) {
  ServerOptions options;
  options.drain_idle = milliseconds(10);
  TestServer server(options);
  Client client(server);
  client.send(get("/health", "")).until("}");
  server.server.drain();
  EXPECT_EQ(client.rest(), "");
  EXPECT_EQ(server.service.metrics.connections.Value(), 0);
}

TEST(Draining, IsCutShortByStop) {
  ServerOptions options;
  options.drain_delay = seconds(600);
  TestServer server(options);
  std::thread draining([&] { server.server.drain(); });
  server.server.stop();
  draining.join();
}

}  // namespace
}  // namespace tps::http
