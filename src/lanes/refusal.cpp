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
  // The lane's health tells operators; a line for every request would bury that.
  ops::log(ops::Level::debug, "a flight failed", {{"detail", fault.detail}});
  if (fault.kind == ports::StoreFault::Kind::clock_wrong) return {ErrorCode::clock_wrong, {}};
  if (fault.cause != ports::StoreFault::Cause::unreachable) return {ports::code_of(fault.cause), {}};
  return {ErrorCode::store_unavailable, "the database is unreachable"};
}

}  // namespace tps::lanes
