// Only what make_cursor wrote for these filters is read, and it is read as what was written.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "http/api/cursor.hpp"

extern const std::span<const std::string_view> fuzz_seeds;

namespace {

constexpr std::array<std::string_view, 5> kSeeds{"", "AgAqAAAAAAAAAAA", "AgEqKoABAAAAAAAAAAA", "not a cursor",
                                                 "________________________"};

void expect(bool holds) {
  if (!holds) std::abort();
}

tps::ports::ListQuery query_from(std::string_view text) {
  tps::ports::ListQuery query;
  if (text.size() % 2 == 1) query.user_id = std::string(text.substr(0, text.size() / 2));
  if (text.size() % 3 == 1) query.reference = std::string(text.substr(text.size() / 2));
  if (text.size() % 5 == 1) query.order = tps::ports::Order::oldest_first;
  return query;
}

}  // namespace

const std::span<const std::string_view> fuzz_seeds(kSeeds);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  tps::ports::ListQuery query = query_from(text);
  if (const auto id = tps::http::read_cursor(text, query)) expect(tps::http::make_cursor(*id, query) == text);
  if (const auto positions = tps::http::read_positions(text, query)) {
    expect(tps::http::make_cursor(*positions, query) == text);
  }

  std::uint64_t bits = 0;
  if (size > 0) std::memcpy(&bits, data, std::min(size, sizeof bits));
  const auto id = static_cast<std::int64_t>(bits >> 1);
  const std::string cursor = tps::http::make_cursor(id, query);
  expect(tps::http::read_cursor(cursor, query) == id);
  query.limit += 1;
  expect(tps::http::read_cursor(cursor, query) == id);
  query.user_id = query.user_id.value_or("") + "x";
  expect(!tps::http::read_cursor(cursor, query));
  const std::vector<std::int64_t> positions{id >> 1, 0, id >> 20};
  const auto read = tps::http::read_positions(tps::http::make_cursor(positions, query), query);
  expect(read && read->size() == positions.size() && read->front() == positions.front());
  return 0;
}
