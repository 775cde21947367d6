// Queries and forms: what is decoded is UTF-8 without NUL under an allowed name, once.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "http/api/query.hpp"
#include "wire/utf8.hpp"

extern const std::span<const std::string_view> fuzz_seeds;

namespace {

constexpr std::array<std::string_view, 7> kSeeds{"username=alice&password=correct+horse",
                                                 "grant_type=password&username=%C3%A4&password=%25&scope=a+b",
                                                 "username=a&username=b",
                                                 "username=%00",
                                                 "username=%E2%28%A1",
                                                 "&&=&=x&username",
                                                 "username=%4"};

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

const std::span<const std::string_view> fuzz_seeds(kSeeds);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr std::array<std::string_view, 4> kAllowed{"grant_type", "username", "password", "scope"};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto query = tps::http::Query::parse(text, kAllowed);
  if (!query) {
    expect(!query.error().fields.empty());
    return 0;
  }
  for (const std::string_view name : kAllowed) {
    const std::string* value = query->get(name);
    if (value == nullptr) continue;
    expect(tps::wire::is_utf8(*value) && value->find('\0') == std::string::npos && value->size() <= text.size());
  }
  return 0;
}
