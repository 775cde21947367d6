#include "workload.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace tps::bench {

namespace {

constexpr std::size_t kPostTemplates = 1024;
constexpr std::size_t kBatchTemplates = 16;
constexpr std::size_t kUserDigits = 6;
constexpr std::size_t kKeyDigits = 12;
constexpr std::string_view kUser = "user_";
constexpr std::string_view kKeyName = "Idempotency-Key: ";

void write_digits(char* at, std::size_t width, std::uint64_t value, unsigned base) {
  for (std::size_t i = width; i-- > 0; value /= base) at[i] = "0123456789abcdef"[value % base];
}

}  // namespace

std::uint64_t Random::next() {
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

double Random::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::uint64_t Random::below(std::uint64_t bound) { return next() % bound; }

std::uint64_t Random::long_tailed(std::uint64_t bound) {
  const double rank = std::exp(unit() * std::log(static_cast<double>(bound) + 1.0));
  return std::min(static_cast<std::uint64_t>(rank), bound) - 1;
}

Workload::Workload(const Options& options) : options_(options), random_(options.seed) {
  // Keys must not repeat those of an earlier run with this seed on the same database.
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  Random fresh(options.seed ^ static_cast<std::uint64_t>(now));
  write_digits(key_prefix_.data(), 8, fresh.next(), 16);
  write_digits(key_prefix_.data() + 9, 4, fresh.next(), 16);
  build();
}

void Workload::build() {
  switch (options_.mode) {
    case Mode::health:
      templates_.push_back({make_head("GET", "/health", "", 0), {}, 0});
      break;
    case Mode::get:
      templates_.push_back({make_head("GET", "/transactions/", "", 0), {}, 0});
      break;
    case Mode::path:
      templates_.push_back(make_path());
      break;
    case Mode::post:
      for (std::size_t i = 0; i < kPostTemplates; ++i) templates_.push_back(make_post());
      break;
    case Mode::batch:
      for (std::size_t i = 0; i < kBatchTemplates; ++i) templates_.push_back(make_batch());
      break;
  }
}

std::string Workload::make_head(std::string_view method, std::string_view target, std::string_view type,
                                std::size_t length) const {
  std::string head;
  head.append(method).append(" ").append(target);
  head.append(" HTTP/1.1\r\nHost: ").append(options_.host).append(":").append(std::to_string(options_.port));
  head.append("\r\nAccept: application/json\r\n");
  if (!options_.header.empty()) head.append(options_.header).append("\r\n");
  if (!type.empty()) {
    head.append("Content-Type: ").append(type);
    head.append("\r\nContent-Length: ").append(std::to_string(length)).append("\r\n");
    if (options_.keys) head.append(kKeyName).append(key_prefix_).append(kKeyDigits, '0').append("\r\n");
    if (options_.wait_seconds > 0)
      head.append("Prefer: wait=").append(std::to_string(options_.wait_seconds)).append("\r\n");
  }
  return head.append("\r\n");
}

std::vector<Workload::User> Workload::find_users(std::string_view text) {
  static constexpr std::string_view kQuoted = "\"user_";
  std::vector<User> found;
  for (std::size_t at = text.find(kQuoted); at != std::string_view::npos; at = text.find(kQuoted, at)) {
    // "user_id" is a member's name, not a user.
    const bool is_name = text.substr(at).starts_with("\"user_id\"");
    if (!is_name) found.push_back({at + kQuoted.size(), text.substr(0, at).ends_with("\"to_user_id\":")});
    at += kQuoted.size();
  }
  return found;
}

Workload::Template Workload::make_path() {
  static constexpr std::string_view kPlace = "{user}";
  std::string path = options_.path;
  const std::size_t place = path.find(kPlace);
  if (place != std::string::npos) path.replace(place, kPlace.size(), std::string(kUser).append(kUserDigits, '0'));
  Template made{make_head("GET", path, "", 0), {}, 0};
  if (place != std::string::npos) made.users.push_back({made.bytes.find(path) + place + kUser.size()});
  return made;
}

const CurrencyShare& Workload::draw_currency() {
  if (!options_.currency.empty()) return *std::ranges::find(kCurrencies, options_.currency, &CurrencyShare::code);
  std::uint64_t draw = random_.below(100);
  const CurrencyShare* currency = kCurrencies.data();
  while (draw >= currency->per_cent) draw -= (currency++)->per_cent;
  return *currency;
}

std::string Workload::make_item() {
  const CurrencyShare& currency = draw_currency();
  std::uint64_t minor = 1 + random_.long_tailed(500'000);
  if (currency.decimals == 0) minor = 1 + minor / 100;
  std::string amount = std::to_string(minor);
  if (currency.decimals > 0) {
    const auto decimals = static_cast<std::size_t>(currency.decimals);
    if (amount.size() <= decimals) amount.insert(0, decimals + 1 - amount.size(), '0');
    amount.insert(amount.size() - decimals, ".");
  }

  std::string item = R"({"user_id":"user_000000","amount":)" + amount + R"(,"currency":")";
  item.append(currency.code).append("\"");
  const std::uint64_t kind = random_.below(100);
  if (kind < options_.withdrawals) {
    item += R"(,"type":"withdrawal")";
  } else if (kind < options_.withdrawals + options_.transfers) {
    item += R"(,"type":"transfer","to_user_id":"user_000000")";
  }
  const std::string order = std::to_string(10'000 + random_.below(90'000));
  if (random_.below(10) < 3) item += R"(,"description":"Order )" + order + R"( at the corner shop")";
  if (random_.below(10) < 1) item += R"(,"metadata":{"order":"A-)" + order + R"(","channel":"web"})";
  return item + "}";
}

Workload::Template Workload::make_post() {
  const std::string body = make_item();
  Template made{make_head("POST", "/transactions", "application/json", body.size()) + body, {}, 0};
  made.users = find_users(made.bytes);
  if (options_.keys) made.key = made.bytes.find(kKeyName) + kKeyName.size() + key_prefix_.size();
  return made;
}

Workload::Template Workload::make_batch() {
  std::string body = options_.ndjson ? "" : "{\"transactions\":[";
  for (std::size_t i = 0; i < options_.items; ++i) {
    if (i > 0) body += options_.ndjson ? '\n' : ',';
    body += make_item();
  }
  body += options_.ndjson ? "\n" : "]}";
  const std::string_view type = options_.ndjson ? "application/x-ndjson" : "application/json";
  Template made{make_head("POST", "/transactions/batch", type, body.size()) + body, {}, 0};
  made.users = find_users(made.bytes);
  if (options_.keys) made.key = made.bytes.find(kKeyName) + kKeyName.size() + key_prefix_.size();
  return made;
}

std::uint64_t Workload::draw_user(std::uint64_t bound) {
  return options_.uniform ? random_.below(bound) : random_.long_tailed(bound);
}

std::uint64_t Workload::draw_payer(bool of_transfer) {
  if (!options_.hot) return draw_user(options_.users);
  return of_transfer && random_.below(2) == 1 ? 1 + draw_user(options_.users - 1) : 0;
}

std::uint64_t Workload::draw_receiver(std::uint64_t payer) {
  if (options_.hot) return payer == 0 ? 1 + draw_user(options_.users - 1) : 0;
  const std::uint64_t user = draw_user(options_.users);
  return user == payer ? (user + 1) % options_.users : user;
}

void Workload::patch_users(Template& chosen) {
  std::uint64_t payer = 0;
  for (std::size_t i = 0; i < chosen.users.size(); ++i) {
    const bool of_transfer = i + 1 < chosen.users.size() && chosen.users[i + 1].is_receiver;
    const std::uint64_t user = chosen.users[i].is_receiver ? draw_receiver(payer) : draw_payer(of_transfer);
    write_digits(chosen.bytes.data() + chosen.users[i].at, kUserDigits, user, 10);
    payer = user;
  }
}

void Workload::patch_key(Template& chosen) {
  write_digits(chosen.bytes.data() + chosen.key, kKeyDigits, ++keys_made_, 16);
}

std::string_view Workload::next() {
  Template& chosen = templates_[turn_];
  if (++turn_ == templates_.size()) turn_ = 0;
  if (options_.mode == Mode::get) {
    static constexpr std::string_view kBefore = "GET /transactions/";
    static constexpr std::size_t kMostDigits = 20;
    // The id goes into the middle of the target. The rest moves only if the length of the id changes.
    const auto ids = static_cast<std::uint64_t>(options_.last_id - options_.first_id + 1);
    std::uint64_t offset = options_.zipf ? random_.long_tailed(ids) : random_.below(ids);
    if (options_.in_order) offset = ids_asked_++ % ids;
    std::array<char, kMostDigits> digits{};
    const auto id = options_.first_id + static_cast<std::int64_t>(offset);
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), id).ptr;
    const std::size_t old = chosen.bytes.find(' ', kBefore.size()) - kBefore.size();
    chosen.bytes.replace(kBefore.size(), old, digits.data(), static_cast<std::size_t>(end - digits.data()));
    return chosen.bytes;
  }
  patch_users(chosen);
  if (chosen.key != 0) patch_key(chosen);
  return chosen.bytes;
}

}  // namespace tps::bench
