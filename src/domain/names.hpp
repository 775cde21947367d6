// Tables of the names that enumerators have on the wire and in the database.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace tps::domain {

template <class Enum>
struct Name {
  Enum value;
  std::string_view text;
};

// True if the enumerator is the index of its row. Assert it for each table, with the last enumerator, so that an added
// enumerator without a row does not compile.
template <class Enum, std::size_t N>
constexpr bool is_complete(const std::array<Name<Enum>, N>& names, Enum last) {
  for (std::size_t i = 0; i < N; ++i) {
    if (static_cast<std::size_t>(names[i].value) != i) return false;
  }
  return N == static_cast<std::size_t>(last) + 1;
}

template <class Enum, std::size_t N>
constexpr std::string_view text_of(const std::array<Name<Enum>, N>& names, Enum value) {
  const auto place = static_cast<std::size_t>(value);
  return place < N ? names[place].text : "unknown";
}

template <class Enum, std::size_t N>
constexpr std::optional<Enum> value_of(const std::array<Name<Enum>, N>& names, std::string_view text) {
  for (const auto& name : names) {
    if (name.text == text) return name.value;
  }
  return std::nullopt;
}

}  // namespace tps::domain
