// The server over TLS: the handshake, and that everything behind it is as without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "http/server/server_fixture_test.hpp"
#include "http/server/server_tls_client_test.hpp"
#include "http/server/tls_context.hpp"

namespace tps::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using tests::Certificates;

constexpr std::string_view kGood = R"({"user_id":"a","amount":1,"currency":"USD"})";

class Tls : public testing::Test {
 protected:
  // As in the program: OpenSSL writes to sockets whose clients are gone.
  static void SetUpTestSuite() { std::signal(SIGPIPE, SIG_IGN); }

  [[nodiscard]] ServerOptions options(ServerOptions base = {}) const {
    base.tls = {.certificate = mine_.certificate, .key = mine_.key, .client_ca = {}};
    return base;
  }
  [[nodiscard]] ServerOptions mutual() const {
    ServerOptions both = options();
    both.tls.client_ca = authority_.certificate;
    return both;
  }
  [[nodiscard]] TlsClient client(const TestServer& server, TlsClientOptions options = {}) const {
    options.ca = authority_.certificate;
    return TlsClient(server.server.port(), options);
  }

  Certificates certificates_;
  Certificates::Pair authority_ = certificates_.authority("authority");
  Certificates::Pair stranger_ = certificates_.authority("stranger");
  Certificates::Pair mine_ = certificates_.issue(authority_, "mine");
};

TEST_F(Tls, LoadsBothOrNeitherAndSaysWhatIsWrong) {
  const std::string text = certificates_.file("text", "no certificate\n");
  const std::string empty = certificates_.file("empty", "");
  struct Case {
    TlsFiles files;
    const char* words = "";
  };
  const Case cases[] = {
      {{mine_.certificate, "", ""}, "tls-certificate: needs tls-key"},
      {{"", mine_.key, ""}, "tls-key: needs tls-certificate"},
      {{"", "", authority_.certificate}, "tls-client-ca: needs tls-certificate"},
      {{"/nowhere", mine_.key, ""}, "tls-certificate: /nowhere: No such file"},
      {{mine_.certificate, "/nowhere", ""}, "tls-key: /nowhere: No such file"},
      {{mine_.certificate, mine_.key, "/nowhere"}, "tls-client-ca: /nowhere: No such file"},
      {{text, mine_.key, ""}, "has no certificate"},
      {{empty, mine_.key, ""}, "has no certificate"},
      {{mine_.key, mine_.key, ""}, "has no certificate"},
      {{std::filesystem::temp_directory_path(), mine_.key, ""}, "has no certificate"},
      {{mine_.certificate, text, ""}, "has no key"},
      {{mine_.certificate, empty, ""}, "has no key"},
      {{mine_.certificate, mine_.certificate, ""}, "has no key"},
      {{mine_.certificate, authority_.key, ""}, "is not the key of the certificate in"},
      {{mine_.certificate, mine_.key, text}, "has no certificates"},
      {{mine_.certificate, mine_.key, empty}, "has no certificates"},
  };
  for (const Case& one : cases) {
    const auto loaded = load_tls(one.files);
    ASSERT_FALSE(loaded.has_value()) << one.words;
    EXPECT_THAT(loaded.error(), HasSubstr(one.words));
  }
  EXPECT_EQ(load_tls({}).value(), nullptr);
  EXPECT_NE(load_tls({mine_.certificate, mine_.key, authority_.certificate}).value(), nullptr);
}

TEST_F(Tls, ServesAsWithout) {
  const TestServer server(options());
  TlsClient one = client(server);
  EXPECT_EQ(one.version(), "TLSv1.3");
  one.send(get("/health", ""));
  EXPECT_THAT(one.until("}"), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), Not(HasSubstr("Connection:"))));
  one.send(get("/health"));
  EXPECT_THAT(one.rest(), AllOf(HasSubstr("\r\nConnection: close\r\n"), EndsWith("{\"status\":\"ok\"}")));
  EXPECT_EQ(client(server, {.highest_version = TLS1_2_VERSION}).version(), "TLSv1.2");
}

// RFC 9325 section 4.1.
TEST_F(Tls, OffersOnlySuitesWithForwardSecrecyAndWithoutCbc) {
  const TestServer server(options());
  const auto shakes = [&](const char* ciphers) {
    return client(server, {.highest_version = TLS1_2_VERSION, .ciphers = ciphers}).shaken();
  };
  EXPECT_TRUE(shakes("ECDHE+AESGCM"));
  EXPECT_TRUE(shakes("ECDHE+CHACHA20"));
  EXPECT_FALSE(shakes("kRSA"));
  EXPECT_FALSE(shakes("ECDHE+AES:!AESGCM:!AESCCM"));
}

TEST_F(Tls, TakesRequestsInAnyPieces) {
  const TestServer server(options());
  TlsClient bytes = client(server);
  for (const char c : post("/transactions", kGood, "Connection: close\r\n")) bytes.send(std::string_view(&c, 1));
  EXPECT_THAT(bytes.rest(), AllOf(StartsWith("HTTP/1.1 201 Created\r\n"), EndsWith("}")));

  std::string requests;
  for (int i = 0; i < 500; ++i) requests += post("/transactions", kGood) + get("/health", "");
  const std::string answers = client(server).send(requests + get("/health")).rest();
  std::size_t at = 0;
  for (int i = 0; i < 500; ++i) {
    at = answers.find("201 Created", at);
    ASSERT_NE(at, std::string::npos) << i;
    at = answers.find("200 OK", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_THAT(answers, EndsWith("{\"status\":\"ok\"}"));
}

TEST_F(Tls, LargeBodiesAndAnswersAndSlowReaders) {
  const TestServer server(options());
  std::string lines;
  while (lines.size() < 1'000'000) lines += std::string(kGood) + "\n";
  std::string request = post("/transactions/batch", lines);
  request.replace(request.find("application/json"), 16, "application/x-ndjson");
  EXPECT_THAT(client(server).send(request + get("/health")).rest(),
              AllOf(HasSubstr("too_many"), EndsWith("{\"status\":\"ok\"}")));

  // More than all buffers on the way hold, so that the server must wait to go on.
  const std::string page = get("/docs/assets/redoc.standalone.js", "");
  std::string pages;
  for (int i = 0; i < 20; ++i) pages += page;
  TlsClient slow = client(server);
  slow.send(pages + get("/health"));
  const std::string all = slow.rest();
  EXPECT_THAT(all, EndsWith("{\"status\":\"ok\"}"));
  EXPECT_GT(all.size(), 20U * 100'000U);
}

TEST_F(Tls, GivesUpOnReadersThatDoNotRead) {
  ServerOptions impatient;
  impatient.write_timeout = milliseconds(100);
  TestServer server(options(impatient));
  TlsClient dead = client(server);
  for (int i = 0; i < 20; ++i) dead.send(get("/docs/assets/redoc.standalone.js", ""));
  const auto give_up = steady_clock::now() + seconds(10);
  while (server.service.metrics.connections.Value() > 0 && steady_clock::now() < give_up) std::this_thread::yield();
  EXPECT_EQ(server.service.metrics.connections.Value(), 0);
}

TEST_F(Tls, RefusesOldVersionsAndOtherProtocols) {
  const TestServer server(options());
  EXPECT_FALSE(client(server, {.highest_version = TLS1_1_VERSION}).shaken());
  EXPECT_FALSE(client(server, {.protocols = "\x02h2"}).shaken());
  EXPECT_EQ(client(server, {.protocols = "\x02h2\x08http/1.1"}).protocol(), "http/1.1");
  EXPECT_EQ(client(server, {.protocols = "\x08http/1.0"}).protocol(), "http/1.0");
  EXPECT_EQ(client(server).protocol(), "");
  EXPECT_FALSE(TlsClient(server.server.port(), {.ca = stranger_.certificate}).shaken())
      << "a client may refuse us, too";
}

TEST_F(Tls, TellsHttpWithoutTlsWhatIsWrong) {
  TestServer server(options());
  for (const std::string& request : {get("/health", ""), post("/transactions", kGood), post("/transactions", "x")}) {
    EXPECT_THAT(Client(server).send(request).rest(),
                AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("https"), HasSubstr("Connection: close\r\n")));
  }
  EXPECT_EQ(server.service.store.size(), 0U);
  for (const std::string& other :
       {std::string("DELETE / HTTP/1.1\r\n\r\n"), std::string(5, '\0'), std::string(300, 'x')}) {
    EXPECT_THAT(Client(server).send(other).end().rest(), Not(HasSubstr("HTTP/1.1 2")));
  }
}

// A slow handshake ends at its deadline and delays no other client.
TEST_F(Tls, SlowHandshakesEndAndDisturbNobody) {
  ServerOptions impatient;
  impatient.header_timeout = milliseconds(50);
  impatient.idle_timeout = seconds(600);
  TestServer server(options(impatient));
  EXPECT_EQ(Client(server).rest(), "");
  EXPECT_EQ(Client(server).send("\x16\x03\x01\x02").rest(), "") << "the first bytes of a ClientHello";

  impatient.header_timeout = seconds(600);
  TestServer patient(options(impatient));
  std::vector<std::unique_ptr<Client>> silent;
  silent.reserve(50);
  for (int i = 0; i < 50; ++i) silent.push_back(std::make_unique<Client>(patient));
  EXPECT_THAT(client(patient).send(get("/health")).rest(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Tls, HandshakesCountAsConnections) {
  ServerOptions few;
  few.max_connections = 2;
  few.spare_connections = 1;
  TestServer server(options(few));
  Client silent(server);
  TlsClient in = client(server);
  in.send(get("/health", "")).until("}");
  EXPECT_THAT(client(server).send(get("/health")).rest(), StartsWith("HTTP/1.1 200")) << "in the spare place";
  const auto give_up = steady_clock::now() + seconds(10);
  while (server.service.metrics.connections.Value() > 2 && steady_clock::now() < give_up) std::this_thread::yield();
  TlsClient spare = client(server);
  EXPECT_FALSE(client(server).shaken());
  EXPECT_EQ(Client(server).rest(), "") << "no answer that is none in TLS";
  EXPECT_EQ(server.service.metrics.connections_refused.Value(), 2);
  EXPECT_THAT(in.send(get("/health")).rest(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Tls, AnEndMustBeAnnounced) {
  TestServer server(options());
  const std::string half = post("/transactions", kGood).substr(0, 120);
  EXPECT_THAT(client(server).send(half).end().rest(), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(client(server).send(half).cut().rest(), Not(HasSubstr("HTTP"))) << "who cut it off may be anybody";
  EXPECT_THAT(client(server).send(get("/health", "")).end().rest(), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(server.service.store.size(), 0U);
}

TEST_F(Tls, TheServerAnnouncesItsEnds) {
  ServerOptions short_idle;
  short_idle.idle_timeout = milliseconds(50);
  const TestServer server(options(short_idle));
  EXPECT_EQ(client(server).rest(), "") << "idle";
  EXPECT_THAT(client(server).send("GET / HTTP/9\r\n\r\n").rest(), EndsWith("}")) << "refused";

  ServerOptions quick;
  quick.drain_idle = milliseconds(10);
  TestServer draining(options(quick));
  TlsClient idle = client(draining);
  idle.send(get("/health", "")).until("}");
  draining.server.drain();
  EXPECT_EQ(idle.rest(), "") << "drained";

  TestServer stopping(options());
  TlsClient busy = client(stopping);
  busy.send(get("/health", "")).until("}");
  stopping.server.stop();
  EXPECT_EQ(busy.rest(), "") << "stopped";
}

TEST_F(Tls, DrainingAnswersWhoeverGotThrough) {
  ServerOptions slow;
  slow.drain_idle = seconds(600);
  TestServer server(options(slow));
  std::vector<std::unique_ptr<TlsClient>> clients;
  clients.reserve(20);
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<TlsClient>(server.server.port()));
  std::thread draining([&] { server.server.drain(); });
  for (const auto& one : clients) one->send(get("/health", ""));
  for (const auto& one : clients) EXPECT_THAT(one->until("}"), AllOf(StartsWith("HTTP/1.1 200 OK"), EndsWith("}")));
  clients.clear();  // connections that were answered before it began may still stay
  draining.join();
}

TEST_F(Tls, ClientsMustShowACertificateWhenAuthoritiesAreNamed) {
  const TestServer server(mutual());
  const auto asks = [&](const Certificates::Pair& shown, int version) {
    const TlsClientOptions as{.certificate = shown.certificate, .key = shown.key, .highest_version = version};
    return client(server, as).send(get("/health")).rest();
  };
  const auto good = certificates_.issue(authority_, "good", "");
  const auto bad = certificates_.issue(stranger_, "bad", "");
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    EXPECT_THAT(asks(good, version), StartsWith("HTTP/1.1 200 OK"));
    EXPECT_THAT(asks(mine_, version), StartsWith("HTTP/1.1 200 OK"));
    EXPECT_THAT(asks(bad, version), Not(HasSubstr("HTTP")));
    EXPECT_THAT(asks({}, version), Not(HasSubstr("HTTP")));
  }
  EXPECT_EQ(asks({}, TLS1_3_VERSION), "<alert>") << "which reaches it though its request was not read";
}

// `tps health` has no other certificate.
TEST_F(Tls, TheServersOwnCertificateIsGoodForAClient) {
  ServerOptions self = options();
  const auto alone = certificates_.issue(stranger_, "alone");
  self.tls = {.certificate = alone.certificate, .key = alone.key, .client_ca = authority_.certificate};
  const TestServer server(self);
  const auto neighbour = certificates_.issue(stranger_, "neighbour");
  const auto asks = [&](const Certificates::Pair& shown) {
    return TlsClient(server.server.port(), {.certificate = shown.certificate, .key = shown.key})
        .send(get("/health"))
        .rest();
  };
  EXPECT_THAT(asks(alone), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(asks(neighbour), Not(HasSubstr("HTTP")));
}

TEST_F(Tls, ReloadsForNewHandshakes) {
  const auto copy = [](const std::string& from, const std::string& to) {
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
  };
  const std::string certificate = certificates_.file("shown.crt", "");
  const std::string key = certificates_.file("shown.key", "");
  copy(mine_.certificate, certificate);
  copy(mine_.key, key);
  ServerOptions shown;
  shown.tls = {.certificate = certificate, .key = key, .client_ca = {}};
  TestServer server(shown);
  TlsClient before = client(server);

  const auto other = certificates_.issue(stranger_, "other");
  const auto believed_by = [&](const Certificates::Pair& authority) {
    return TlsClient(server.server.port(), {.ca = authority.certificate}).shaken();
  };
  copy(other.certificate, certificate);
  server.server.reload_tls();
  EXPECT_TRUE(believed_by(authority_)) << "the key is still the old one: nothing changes";
  copy(other.key, key);
  EXPECT_TRUE(believed_by(authority_)) << "nobody has asked yet";
  server.server.reload_tls();
  EXPECT_TRUE(believed_by(stranger_));
  EXPECT_FALSE(believed_by(authority_));
  std::filesystem::remove(key);
  server.server.reload_tls();
  EXPECT_TRUE(believed_by(stranger_));
  EXPECT_THAT(before.send(get("/health")).rest(), StartsWith("HTTP/1.1 200 OK")) << "from before all that";
}

TEST_F(Tls, StartsWithGoodFilesOnly) {
  TestServer other;
  ServerOptions bad;
  bad.listen = parse_endpoint("127.0.0.1:0").value();
  bad.tls = {.certificate = mine_.certificate, .key = authority_.key, .client_ca = {}};
  Server server(bad, other.api, other.service.metrics);
  const auto started = server.start();
  ASSERT_FALSE(started.has_value());
  EXPECT_THAT(started.error(), StartsWith("tls-key: "));
}

TEST_F(Tls, GoesOnWhenClientsLeave) {
  const TestServer server(options());
  for (int i = 0; i < 20; ++i) {
    static_cast<void>(client(server));
    client(server).send(post("/transactions", kGood));
    client(server).send(post("/transactions", kGood).substr(0, 100)).cut();
    static_cast<void>(client(server));
  }
  EXPECT_THAT(client(server).send(get("/health")).rest(), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace tps::http
