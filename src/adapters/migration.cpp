#include "adapters/migration.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace tps::adapters {
namespace {

constexpr std::string_view kFirstLine = "-- min_binary: ";
constexpr std::size_t kDigits = 4;

[[noreturn]] void broken(std::string_view file, std::string_view why) {
  fmt::print(stderr, "bug: embedded migration {}: {}\n", file, why);
  std::abort();
}

std::optional<int> number_at_start(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return number;
}

void fill_random(std::span<std::uint8_t> bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    fmt::print(stderr, "no random numbers: the system's generator failed\n");
    std::abort();
  }
}

}  // namespace

std::vector<Migration> migrations(std::span<const embedded::File> files) {
  std::vector<Migration> result;
  result.reserve(files.size());
  for (const embedded::File& file : files) {
    if (file.name.size() <= kDigits + 5 || file.name[kDigits] != '_' || !file.name.ends_with(".sql")) {
      broken(file.name, "is not named NNNN_name.sql");
    }
    const std::optional<int> number = number_at_start(file.name);
    if (number != static_cast<int>(result.size()) + 1) broken(file.name, "does not follow the one before it");
    if (!file.content.starts_with(kFirstLine)) broken(file.name, "does not start with \"-- min_binary: N\"");
    const std::optional<int> min_binary = number_at_start(file.content.substr(kFirstLine.size()));
    if (!min_binary || *min_binary < 1 || *min_binary > *number) broken(file.name, "has an impossible min_binary");
    if (!result.empty() && *min_binary < result.back().min_binary) broken(file.name, "lowers min_binary");
    const std::string_view name = file.name.substr(kDigits + 1, file.name.size() - kDigits - 5);
    result.push_back({*number, name, file.content, *min_binary});
  }
  return result;
}

std::span<const Migration> pending_migrations(std::span<const Migration> known, int schema) {
  const auto applied = static_cast<std::size_t>(schema < 0 ? 0 : schema);
  return applied >= known.size() ? std::span<const Migration>{} : known.subspan(applied);
}

std::optional<std::string> migration_refusal(std::span<const Migration> known, std::optional<SchemaVersion> store) {
  const int newest = known.empty() ? 0 : known.back().number;
  if (!store || store->min_binary <= newest) return std::nullopt;
  return fmt::format(
      "the database has schema {}, which needs a tps that knows schema {}, and this one knows {}: use a newer tps",
      store->schema, store->min_binary, newest);
}

std::optional<std::string> incompatibility(std::span<const Migration> known, std::optional<SchemaVersion> store) {
  const int newest = known.empty() ? 0 : known.back().number;
  if (!store) return "the database has no tps schema yet: run `tps migrate`";
  if (store->schema < newest) {
    return fmt::format("the database has schema {}, and this tps needs {}: run `tps migrate`", store->schema, newest);
  }
  return migration_refusal(known, store);
}

std::string currency_mismatch(std::string_view code, int recorded, const domain::Currency* configured) {
  if (configured == nullptr) {
    return fmt::format("the database has amounts in {}, which is not configured: add {}:{} to assets", code, code,
                       recorded);
  }
  return fmt::format("the database keeps {} with {} decimals, but it is configured with {}: amounts would change", code,
                     recorded, configured->exponent);
}

std::string new_store_id() {
  std::array<std::uint8_t, 16> bytes{};
  fill_random(bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

std::array<std::uint8_t, 32> new_cache_secret() {
  std::array<std::uint8_t, 32> secret{};
  fill_random(secret);
  return secret;
}

}  // namespace tps::adapters
