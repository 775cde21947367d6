// What a client is told when a lane or a store gives nothing.
#pragma once

#include "domain/error.hpp"
#include "lanes/lane.hpp"
#include "ports/fault.hpp"

namespace tps::lanes {

domain::Error error_of(LaneVerdict verdict);             // not `done`
domain::Error error_of(const ports::StoreFault& fault);  // of a read

}  // namespace tps::lanes
