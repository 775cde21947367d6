// ports::Audit of a SQLite file, which a running server may have open: it reads through a connection of its own, in
// transactions of less than a second.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/sqlite/reader.hpp"
#include "domain/currency.hpp"
#include "ports/audit.hpp"
#include "ports/store.hpp"

namespace tps::sqlite {

class Audit final : public ports::Audit {
 public:
  // `currencies` must outlive this object. Does not open the file at `path` yet, and never creates it.
  Audit(std::string path, const domain::Currencies& currencies);

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
  ports::StoreResult<std::vector<std::int64_t>> positions_now(Connection& connection) const;

  // A piece in one snapshot: `read` steps through its statement's rows and adds them, and answers the code of the last
  // step.
  template <class Row, class Read>
  ports::StoreResult<Piece<Row>> piece(ports::Deadline deadline, Read read);

  Reader reader_;
};

}  // namespace tps::sqlite
