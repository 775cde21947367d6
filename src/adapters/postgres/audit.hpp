// service::Audit on PostgreSQL. Every answer is one transaction of at most 5 s, read-only and from one snapshot, so an
// audit of a live system holds up nobody.
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

namespace tps::adapters {

class PostgresAudit final : public service::Audit {
 public:
  // `currencies` and `metrics` must outlive this object. Does not connect yet.
  PostgresAudit(const PostgresOptions& options, const domain::Currencies& currencies, ops::Metrics& metrics);

  service::StoreResult<service::StoreIdentity> open(service::Deadline deadline) override;
  service::StoreResult<std::vector<std::int64_t>> positions(service::Deadline deadline) override;
  service::StoreResult<std::vector<Entry>> entries(std::uint32_t partition, std::int64_t after, std::size_t max,
                                                   service::Deadline deadline) override;
  service::StoreResult<std::int64_t> orphans(std::uint32_t partition, service::Deadline deadline) override;
  service::StoreResult<Piece<AccountRow>> accounts(const std::optional<domain::AccountKey>& after, std::size_t max,
                                                   service::Deadline deadline) override;
  service::StoreResult<Piece<domain::Hold>> holds(std::int64_t after, std::size_t max,
                                                  service::Deadline deadline) override;
  service::StoreResult<Piece<ReversalRow>> reversals(std::int64_t after, std::size_t max,
                                                     service::Deadline deadline) override;
  service::StoreResult<Piece<TotalsRow>> totals(service::Deadline deadline) override;
  service::StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                             service::Deadline deadline) override;

 private:
  // One statement in a transaction of its own; its rows.
  service::StoreResult<PostgresResult> read(const PostgresStatement& statement, const PostgresParameters& parameters,
                                            service::Deadline deadline);

  // The same with the positions of that snapshot. `row_of` makes a row of a derived table from one that was read.
  template <class Row, class RowOf>
  service::StoreResult<Piece<Row>> piece(const PostgresStatement& statement, const PostgresParameters& parameters,
                                         RowOf row_of, service::Deadline deadline);

  PostgresSession session_;
};

}  // namespace tps::adapters
