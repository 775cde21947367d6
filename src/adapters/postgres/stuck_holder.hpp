// Ending the session that holds a lock and does not go on.
#pragma once

#include <cstdint>

#include "adapters/postgres/session.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {

// Ends a session that has held the lock of submitting, or of settling, for long and waits for its client: an instance
// that was stopped. (No timeout of the server covers a client that stops in mid-send.)
void end_partition_holder(Session& session, std::uint32_t partition, ports::Deadline deadline);
void end_reader_holder(Session& session, std::uint32_t partition, ports::Deadline deadline);

}  // namespace tps::postgres
