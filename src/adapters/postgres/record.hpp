// Settling: the third round trip of a batch, what was decided and COMMIT.
#pragma once

#include <cstdint>

#include "adapters/postgres/session.hpp"
#include "domain/settlement.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {

// Store::record, in the open transaction.
ports::StoreResult<void> record(Session& session, std::uint32_t partition, const domain::SettlementOutput& output,
                                ports::Deadline deadline);

}  // namespace tps::postgres
