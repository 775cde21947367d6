// service::Audit of a SQLite file, which a running server may have open: it reads through a connection of its own, in
// transactions of less than a second.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/sqlite/reader.hpp"
#include "domain/currency.hpp"
#include "ports/audit.hpp"
#include "ports/store.hpp"

namespace tps::adapters {

class SqliteAudit final : public service::Audit {
 public:
  // `currencies` must outlive this object. Does not open the file at `path` yet, and never creates it.
  SqliteAudit(std::string path, const domain::Currencies& currencies);

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
  service::StoreResult<std::vector<std::int64_t>> positions_now(SqliteConnection& connection) const;

  // A piece in one snapshot: `read` steps through its statement's rows and adds them, and answers the code of the last
  // step.
  template <class Row, class Read>
  service::StoreResult<Piece<Row>> piece(service::Deadline deadline, Read read);

  SqliteReader reader_;
};

}  // namespace tps::adapters
