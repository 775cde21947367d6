#include "lanes/refusal.hpp"

#include "ops/log.hpp"

namespace tps::lanes {

using domain::Error;
using domain::ErrorCode;

Error error_of(LaneVerdict verdict) {
  switch (verdict) {
    case LaneVerdict::full:
      return {ErrorCode::overloaded, "the queue is full; nothing was added"};
    case LaneVerdict::expired:
      return {ErrorCode::deadline_exceeded, "the request did not start before its deadline; nothing was added"};
    default:
      return {ErrorCode::draining, "this instance is shutting down; nothing was added"};
  }
}

Error error_of(const ports::StoreFault& fault) {
  // Readiness tells operators that the store is away; a line for every request would bury it.
  ops::log(ops::Level::debug, "store read failed", {{"detail", fault.detail}});
  if (fault.cause != ports::StoreFault::Cause::unreachable) return {ports::code_of(fault.cause), {}};
  return {ErrorCode::store_unavailable, "the database is unreachable"};
}

}  // namespace tps::lanes
