// One flight: a database transaction that appends what domain::accept lets through, in two round trips.
//   1. BEGIN, the partition's lock, the end of its log, and what it holds of the flight's keys and references
//   2. INSERT, first uses of currencies, COMMIT
// The lock is a statement of its own: READ COMMITTED takes its snapshot when a statement starts, so one that locks and
// reads would read the past. Under the lock, ids become visible in order, which is what readers of the log rely on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "adapters/postgres/session.hpp"
#include "domain/acceptance.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {

using FlightSpan = std::span<domain::Submission* const>;

// The state that a flight found under the lock, and all that is needed to ask for its fate when the answer to COMMIT
// is lost.
struct FlightRecord {
  std::int64_t last_id = 0;
  domain::Timestamp last_created_at{};
  std::int64_t xid = 0;
  bool records_currencies = false;           // it was to record the first use of one
  std::optional<ports::StoreFault> fault{};  // why it was not committed
};

enum class Landing : std::uint8_t {
  committed,
  value_refused,  // an item's value; nothing added
  repeat,         // conflict, or the connection was found dead: nothing added, the same again may work
  blocked,        // another session held the lock for 2 s; nothing added
  failed,         // nothing added, and the same again will fail soon
  in_doubt,       // COMMIT was sent and its answer is lost or has a WARNING
};

// `flight` is of one partition and undecided throughout; decided when `committed` or `in_doubt`, else undecided again.
Landing fly_once(Session& session, FlightSpan flight, domain::Timestamp now, ports::Deadline deadline,
                 FlightRecord& record);

// Queues the statements that find the flight's keys; reads their answer.
extern const Statement kLockPartition;
void queue_keys(Connection& connection, std::int16_t partition, FlightSpan flight);
[[nodiscard]] bool has_keys(FlightSpan flight);
// False: a row that this binary cannot read.
[[nodiscard]] bool read_keys(const Result& rows, domain::Existing& existing);

}  // namespace tps::postgres
