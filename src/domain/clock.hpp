// Time comes in as an argument: rules get a Timestamp, and what runs on and on gets a Clock.
#pragma once

#include <functional>

#include "domain/transaction.hpp"

namespace tps::domain {

using Clock = std::function<Timestamp()>;

}  // namespace tps::domain
