// The store, as `tps verify` sees it: pieces of the logs and of the tables that are derived from them. See fault.hpp
// for the rules that every port keeps.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "domain/settlement.hpp"
#include "domain/transaction.hpp"
#include "ports/fault.hpp"
#include "ports/store.hpp"

namespace tps::ports {

// Reads for an audit, and for the watch over a ledger in use, in short transactions that delay no other session. Logs
// are immutable, so a log may be read piece by piece; of what is derived from them, each answer says which settlements
// it includes.
class Audit {
 public:
  Audit() = default;
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;
  virtual ~Audit() = default;

  virtual StoreResult<StoreIdentity> open(Deadline deadline) = 0;

  // How far settlement is: per partition, the id of the last settled transaction (id_before_first() at the start).
  virtual StoreResult<std::vector<std::int64_t>> positions(Deadline deadline) = 0;

  // One row of the log and its settlement. `readable` false: something in the row is unknown to this binary; the
  // transaction is then as next() would give it.
  struct Entry {
    domain::Transaction transaction;  // status, failure and settled_at as in `settlement`, not those of a hold
    std::optional<domain::Settlement> settlement;
    bool readable = true;
  };
  // Up to `max` entries of a partition with ids above `after`, in order.
  virtual StoreResult<std::vector<Entry>> entries(std::uint32_t partition, std::int64_t after, std::size_t max,
                                                  Deadline deadline) = 0;

  // Settlements without a transaction in the log.
  virtual StoreResult<std::int64_t> orphans(std::uint32_t partition, Deadline deadline) = 0;

  // A piece of a derived table in the order of its key, and the positions that it includes, from one snapshot.
  template <class Row>
  struct Piece {
    std::vector<std::int64_t> positions;  // as from positions()
    std::vector<Row> rows;
  };
  using AccountRow = std::pair<domain::AccountKey, domain::Account>;
  using ReversalRow = std::pair<std::int64_t, std::int64_t>;
  using TotalsRow = std::pair<std::pair<std::uint32_t, std::string>, domain::Totals>;
  virtual StoreResult<Piece<AccountRow>> accounts(const std::optional<domain::AccountKey>& after, std::size_t max,
                                                  Deadline deadline) = 0;
  virtual StoreResult<Piece<domain::Hold>> holds(std::int64_t after, std::size_t max, Deadline deadline) = 0;
  virtual StoreResult<Piece<ReversalRow>> reversals(std::int64_t after, std::size_t max, Deadline deadline) = 0;
  virtual StoreResult<Piece<TotalsRow>> totals(Deadline deadline) = 0;

  // Of all partitions.
  virtual StoreResult<std::int64_t> open_holds(Deadline deadline) = 0;

  virtual StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                            Deadline deadline) = 0;
};

}  // namespace tps::ports
