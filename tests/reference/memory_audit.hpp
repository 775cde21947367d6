// ports::Audit over the plain containers of a memory store: the readable reference, for tests.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ports/audit.hpp"
#include "ports/store.hpp"
#include "reference/memory_database.hpp"

namespace tps::reference {

class MemoryAudit final : public ports::Audit {
 public:
  explicit MemoryAudit(std::shared_ptr<MemoryDatabase> database);

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
  [[nodiscard]] std::vector<std::int64_t> positions_now() const;  // under the database's mutex

  const std::shared_ptr<MemoryDatabase> database_;
};

}  // namespace tps::reference
