// A key that is accepted is a key, and is the same key however it is quoted.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "domain/member_rules.hpp"
#include "http/headers/idempotency_key.hpp"

extern const std::span<const std::string_view> fuzz_seeds;

namespace {

constexpr std::array<std::string_view, 10> kSeeds{"8e03978e-40d5-43e8-bc93-6894a57f9324",
                                                  R"("quoted")",
                                                  R"("a\"b\\c")",
                                                  R"("open)",
                                                  R"(")",
                                                  R"("")",
                                                  " trimmed\t",
                                                  "two words",
                                                  "caf\xC3\xA9",
                                                  R"("bad\escape")"};

void expect(bool holds) {
  if (!holds) std::abort();
}

std::string quoted(std::string_view key) {
  std::string text = "\"";
  for (const char c : key) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

}  // namespace

const std::span<const std::string_view> fuzz_seeds(kSeeds);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  const auto key = tps::http::parse_idempotency_key(value);
  expect(!tps::domain::is_idempotency_key(value) || value.starts_with('"') || key == std::string(value));
  if (!key) return 0;
  expect(!key->empty() && key->size() <= 255);
  expect(std::ranges::all_of(*key, [](char c) { return c > 0x20 && c < 0x7F; }));
  expect(tps::http::parse_idempotency_key(quoted(*key)) == key);
  return 0;
}
