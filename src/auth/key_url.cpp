#include "auth/key_url.hpp"

#include <curl/curl.h>

#include <array>
#include <memory>
#include <utility>

#include "auth/key_set.hpp"
#include "ops/log.hpp"

namespace tps::auth {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::minutes kInterval{5};
constexpr std::chrono::seconds kLeastInterval{10};
constexpr long kConnectMs = 3'000;
constexpr long kTotalMs = 5'000;
constexpr std::size_t kMostBytes = 256 * 1024;
constexpr long kOk = 200;

struct EndCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};

}  // namespace

struct KeyUrl::Download {
  KeyUrl& url;
  std::string body;
  bool too_large = false;

  static std::size_t take(const char* data, std::size_t size, std::size_t count, Download* self) {
    self->too_large = self->body.size() + size * count > kMostBytes;
    if (self->too_large) return 0;
    self->body.append(data, size * count);
    return size * count;
  }

  static int should_end(Download* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    const std::scoped_lock lock(self->url.mutex_);
    return self->url.stopping_ ? 1 : 0;
  }
};

KeyUrl::KeyUrl(std::string url, std::string ca_file, ops::Metrics& metrics)
    : url_(std::move(url)),
      ca_file_(std::move(ca_file)),
      fetched_(metrics.key_fetch("ok")),
      failed_(metrics.key_fetch("failed")) {
  static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(kReady);
}

KeyUrl::~KeyUrl() { stop(); }

std::expected<std::string, std::string> KeyUrl::download() {
  const std::unique_ptr<CURL, EndCurl> owned(curl_easy_init());
  CURL* const curl = owned.get();
  if (curl == nullptr) return std::unexpected("no memory");
  Download download{.url = *this, .body = {}};
  std::array<char, CURL_ERROR_SIZE> detail{};
  curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, kTotalMs);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);  // does not wait for a name that is still being looked up
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "tps/" TPS_VERSION);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Download::take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &download);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Download::should_end);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &download);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  if (!ca_file_.empty()) {  // those and no others
    curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file_.c_str());
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  const CURLcode code = curl_easy_perform(curl);
  if (download.too_large) return std::unexpected("the answer is too large");
  if (code != CURLE_OK) return std::unexpected(detail.front() != '\0' ? detail.data() : curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != kOk) return std::unexpected("the answer is " + std::to_string(status) + ", not 200");
  return std::move(download.body);
}

std::expected<std::optional<KeyUrl::Keys>, std::string> KeyUrl::fetch() {
  auto text = download();
  const bool same = text && *text == last_;
  auto keys = text ? read_published_keys(*text) : std::unexpected(text.error());
  (keys ? fetched_ : failed_).Increment();
  if (!keys) return std::unexpected(url_.substr(0, url_.find('?')) + ": " + keys.error());
  last_ = std::move(*text);
  if (same) return std::nullopt;
  return std::move(*keys);
}

void KeyUrl::start(std::function<void(Keys)> found) {
  found_ = std::move(found);
  thread_ = std::thread([this] { run(); });
}

void KeyUrl::ask() {
  const std::scoped_lock lock(mutex_);
  if (std::exchange(asked_, true)) return;
  changed_.notify_one();
}

void KeyUrl::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void KeyUrl::run() {
  auto last = steady_clock::now();
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_until(lock, last + kInterval, [this] { return asked_ || stopping_; });
    changed_.wait_until(lock, last + kLeastInterval, [this] { return stopping_; });
    if (stopping_) return;
    asked_ = false;
    lock.unlock();
    last = steady_clock::now();
    auto keys = fetch();
    if (keys && *keys) found_(std::move(**keys));
    if (!keys) {
      ops::log(ops::Level::error, "keys not fetched; those there were stay", {{"why", keys.error()}});
    }
    lock.lock();
    // An issuer that is away is asked again soon.
    if (!keys) asked_ = true;
  }
}

}  // namespace tps::auth
