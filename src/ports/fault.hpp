// The ports: what the service needs from the world, as contracts. Synchronous and batch-first, because
// each is driven by one lane thread that takes all that waits and does it in one round trip.
//
// Threads: one object of a port is one session (one connection) and is used by one thread at a time.
// Deadlines: every call returns by its deadline (plus scheduling), whatever the other side does.
// Errors: a call never throws; what a library throws or returns is translated inside the adapter.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>

#include "domain/error.hpp"

namespace tps::ports {

using Deadline = std::chrono::steady_clock::time_point;

// Why a store call gave nothing. `unavailable`: it certainly changed nothing. `unknown`: it may have.
// `incompatible`: the schema is missing, too old or too new (detail says what to do); asking again will not help.
// `refused`: the store refuses a value that was to be written; nothing was changed, and the same again will not help.
// `clock_wrong`: this process's clock, or the end of the log, is too far from the time (domain/clock.hpp); nothing was
// changed.
struct StoreFault {
  enum class Kind : std::uint8_t { unavailable, unknown, incompatible, refused, clock_wrong };
  // The cause, where clients and operators act differently. `unreachable` is everything else. `full`: no room on the
  // disk. `refuses`: a permission, a limit or a read-only file. `damaged`: the data is damaged or gone, or the disk
  // fails; an operator has to restore it.
  enum class Cause : std::uint8_t { unreachable, full, refuses, damaged };
  Kind kind = Kind::unavailable;
  std::string detail;  // for operators and logs; never shown to clients
  Cause cause = Cause::unreachable;
};

// The code for clients.
[[nodiscard]] constexpr domain::ErrorCode code_of(StoreFault::Cause cause) {
  switch (cause) {
    case StoreFault::Cause::full:
      return domain::ErrorCode::database_full;
    case StoreFault::Cause::refuses:
      return domain::ErrorCode::database_refuses;
    case StoreFault::Cause::damaged:
      return domain::ErrorCode::database_damaged;
    case StoreFault::Cause::unreachable:
      break;
  }
  return domain::ErrorCode::store_unavailable;
}

template <class T>
using StoreResult = std::expected<T, StoreFault>;

}  // namespace tps::ports
