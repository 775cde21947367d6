// Settling: the reader of the log that decides. Three round trips per batch: the lock and the batch; the accounts that
// it touches, and the parents if it has captures, voids, expiries or reversals; then what was decided and COMMIT.
#pragma once

#include <cstdint>
#include <optional>

#include "adapters/postgres/session.hpp"
#include "domain/settlement.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {

// True if there is something to settle. Takes no lock and no transaction id.
ports::StoreResult<bool> has_pending(Session& session, std::uint32_t partition, ports::Deadline deadline);

// Store::next. The transaction is left open only if there is something to record.
ports::StoreResult<std::optional<domain::SettlementInput>> next(Session& session, std::uint32_t partition,
                                                                std::size_t max, ports::Deadline deadline);

}  // namespace tps::postgres
