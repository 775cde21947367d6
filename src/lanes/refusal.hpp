// The error that a client gets when a lane or a store gives no result.
#pragma once

#include "domain/error.hpp"
#include "lanes/lane.hpp"
#include "ports/fault.hpp"

namespace tps::lanes {

domain::Error error_of(LaneVerdict verdict);  // not `done`
domain::Error error_of(const ports::StoreFault& fault);

}  // namespace tps::lanes
