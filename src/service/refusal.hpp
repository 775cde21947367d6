// What a client is told when a lane or a store gives nothing.
#pragma once

#include "domain/error.hpp"
#include "service/fault.hpp"
#include "service/lane.hpp"

namespace tps::service {

domain::Error error_of(LaneVerdict verdict);      // not `done`
domain::Error error_of(const StoreFault& fault);  // of a read

}  // namespace tps::service
