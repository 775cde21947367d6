// The keys that an issuer publishes under an https URL (OpenID Connect's jwks_uri), fetched again every 5 minutes, and
// when a token names a key that is not among them, but at most every 10 s: a client that invents key ids must not cause
// a request to the issuer each time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "auth/signing_key.hpp"
#include "ops/metrics.hpp"

namespace tps::auth {

class KeyUrl {
 public:
  using Keys = std::vector<SigningKey>;

  // `ca_file` "": the system's authorities. Nothing but https, no redirects, 5 s and 256 KB at most.
  KeyUrl(std::string url, std::string ca_file, ops::Metrics& metrics);
  ~KeyUrl();  // stop()
  KeyUrl(const KeyUrl&) = delete;
  KeyUrl& operator=(const KeyUrl&) = delete;

  static bool is_url(const std::string& text) { return text.starts_with("https://"); }

  // Waits for the issuer; not while the thread runs. nullopt: what was there the last time. The error is a sentence.
  std::expected<std::optional<Keys>, std::string> fetch();

  // From now on in a thread of its own, which calls `found` with what it fetches; keys that cannot be fetched are
  // logged.
  void start(std::function<void(Keys)> found);
  // Soon, as there may be newer ones. Any thread; does not wait.
  void ask();
  void stop();

 private:
  struct Download;

  void run();
  std::expected<std::string, std::string> download();

  const std::string url_;
  const std::string ca_file_;
  prometheus::Counter& fetched_;
  prometheus::Counter& failed_;
  std::function<void(Keys)> found_;
  std::string last_;  // the last document; only the thread uses it once it runs

  std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_.
  bool asked_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tps::auth
