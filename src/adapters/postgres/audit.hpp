// ports::Audit on PostgreSQL. Every answer is one transaction of at most 5 s, read-only and from one snapshot, so
// an audit of a live system delays no other session.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "adapters/postgres/connection.hpp"
#include "adapters/postgres/session.hpp"
#include "domain/currency.hpp"
#include "ops/metrics.hpp"
#include "ports/audit.hpp"
#include "ports/store.hpp"

namespace tps::postgres {

class Audit final : public ports::Audit {
 public:
  // `currencies` and `metrics` must outlive this object. Does not connect yet.
  Audit(const Options& options, const domain::Currencies& currencies, ops::Metrics& metrics);

  ports::StoreResult<ports::StoreIdentity> open(ports::Deadline deadline) override;
  ports::StoreResult<std::vector<std::int64_t>> positions(ports::Deadline deadline) override;
  ports::StoreResult<std::vector<Entry>> entries(std::uint32_t partition, std::int64_t after, std::size_t max,
                                                 ports::Deadline deadline) override;
  ports::StoreResult<std::int64_t> orphans(std::uint32_t partition, ports::Deadline deadline) override;
  ports::StoreResult<Piece<AccountRow>> accounts(const std::optional<domain::AccountKey>& after, std::size_t max,
                                                 ports::Deadline deadline) override;
  ports::StoreResult<Piece<domain::Hold>> holds(std::int64_t after, std::size_t max, ports::Deadline deadline) override;
  ports::StoreResult<Piece<ReversalRow>> reversals(std::int64_t after, std::size_t max,
                                                   ports::Deadline deadline) override;
  ports::StoreResult<Piece<TotalsRow>> totals(ports::Deadline deadline) override;
  ports::StoreResult<std::int64_t> open_holds(ports::Deadline deadline) override;
  ports::StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                           ports::Deadline deadline) override;

 private:
  // One statement in a transaction of its own; its rows.
  ports::StoreResult<Result> read(const Statement& statement, const Parameters& parameters, ports::Deadline deadline);

  // The same with the positions of that snapshot. `row_of` makes a row of a derived table from one that was read.
  template <class Row, class RowOf>
  ports::StoreResult<Piece<Row>> piece(const Statement& statement, const Parameters& parameters, RowOf row_of,
                                       ports::Deadline deadline);

  Session session_;
};

}  // namespace tps::postgres
