// The end of holds that were neither captured nor voided: an `expiry` in the log, submitted by a worker. Any number of
// workers may submit the same one; its key, made from the hold, lets only one in.
#pragma once

#include <span>
#include <vector>

#include "domain/acceptance.hpp"
#include "domain/transaction.hpp"

namespace tps::service {

// One submission for each of these transactions with manual capture.
std::vector<domain::Submission> expiries_of(std::span<const domain::Transaction> holds);

}  // namespace tps::service
