// Every fuzz target of the program; the list itself is made by tests/fuzz.cmake.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

struct FuzzTarget {
  std::string_view name;
  int (*run)(const std::uint8_t* data, std::size_t size);
  const std::span<const std::string_view>* seeds;  // null: none
};
extern const std::span<const FuzzTarget> fuzz_targets;
