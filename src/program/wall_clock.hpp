// The clock of the program. Everything below takes a domain::Clock.
#pragma once

#include <chrono>

#include "domain/transaction.hpp"

namespace tps {

inline domain::Timestamp now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

}  // namespace tps
