#include "adapters/postgres/dsn.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace tps::postgres {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kDefaults{{
    {"tcp_user_timeout", "5000"},
    {"keepalives_idle", "5"},
    {"keepalives_interval", "2"},
    {"keepalives_count", "3"},
    {"client_encoding", "UTF8"},
    {"target_session_attrs", "read-write"},
    {"application_name", "tps"},
}};

std::string rotated(const std::string& list, std::size_t first) {
  std::vector<std::string> items = items_of(list);
  std::ranges::rotate(items, items.begin() + static_cast<std::ptrdiff_t>(first % items.size()));
  std::string result;
  for (const std::string& item : items) result += (&item == items.data() ? "" : ",") + item;
  return result;
}

}  // namespace

std::expected<Keywords, std::string> connection_keywords(const std::string& url) {
  char* raw_error = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(PQconninfoParse(url.c_str(), &raw_error),
                                                                            &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> error(raw_error, &PQfreemem);
  if (parsed == nullptr) return std::unexpected(error == nullptr ? "out of memory" : error.get());
  Keywords keywords;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) keywords.emplace_back(option->keyword, option->val);
  }
  for (const auto& [name, value] : kDefaults) {
    if (std::ranges::find(keywords, name, &Keywords::value_type::first) == keywords.end()) {
      keywords.emplace_back(name, value);
    }
  }
  return keywords;
}

std::vector<std::string> items_of(const std::string& list) {
  std::vector<std::string> items;
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    items.push_back(list.substr(start, end - start));
    start = end + 1;
  }
  return items;
}

std::size_t count_hosts(const Keywords& keywords) {
  std::size_t count = 1;
  for (const auto& [name, value] : keywords) {
    if (name == "host" || name == "hostaddr") count = std::max(count, items_of(value).size());
  }
  return count;
}

Keywords starting_at_host(Keywords keywords, std::size_t first) {
  for (auto& [name, value] : keywords) {
    if (name == "host" || name == "hostaddr" || name == "port") value = rotated(value, first);
  }
  return keywords;
}

}  // namespace tps::postgres
