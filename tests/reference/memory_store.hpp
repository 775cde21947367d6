// ports::Store over plain maps: the readable reference of what a store does, and the fastest one for tests. Nothing
// survives the process. One big lock; a session that settles keeps only its partition, as a row lock would.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "domain/currency.hpp"
#include "ports/store.hpp"
#include "reference/memory_database.hpp"

namespace tps::reference {

class MemoryStore final : public ports::Store {
 public:
  // `currencies` must outlive this object.
  MemoryStore(std::shared_ptr<MemoryDatabase> database, const domain::Currencies& currencies);
  ~MemoryStore() override;

  ports::StoreResult<ports::StoreIdentity> open(ports::Deadline deadline) override;
  std::optional<ports::StoreFault> append(std::span<domain::Submission* const> flight, domain::Timestamp now,
                                          ports::Deadline deadline) override;
  ports::StoreResult<std::optional<domain::SettlementInput>> next(std::uint32_t partition, std::size_t max,
                                                                  ports::Deadline deadline) override;
  ports::StoreResult<void> record(std::uint32_t partition, const domain::SettlementOutput& output,
                                  ports::Deadline deadline) override;
  ports::StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                           ports::Deadline deadline) override;
  ports::StoreResult<ports::ListPage> list(const ports::ListQuery& query, ports::Deadline deadline) override;
  ports::StoreResult<std::vector<ports::Balance>> balances(std::uint32_t partition, const std::string& user_id,
                                                           ports::Deadline deadline) override;
  ports::StoreResult<std::vector<ports::Balance>> balances_at(std::uint32_t partition, const std::string& user_id,
                                                              domain::Timestamp at, ports::Deadline deadline) override;
  ports::StoreResult<ports::Statement> statement(const ports::StatementQuery& query, ports::Deadline deadline) override;
  ports::StoreResult<ports::DueHolds> expired_holds(std::uint32_t partition, domain::Timestamp now,
                                                    const ports::HoldPosition& after, std::size_t max,
                                                    ports::Deadline deadline) override;
  ports::StoreResult<Backlog> backlog(std::uint32_t partition, ports::Deadline deadline) override;
  ports::StoreResult<ports::Pong> ping(ports::Deadline deadline) override;

 private:
  // All of these under the database's mutex.
  void end_settling();
  void refuse_other_exponents(std::span<domain::Submission* const> flight);
  [[nodiscard]] domain::Existing existing(std::span<domain::Submission* const> flight) const;
  void insert(const domain::Transaction& transaction);
  void add_what_it_needs(const domain::Transaction& transaction, domain::SettlementInput& input) const;
  [[nodiscard]] ports::ListPage newest(const ports::ListQuery& query) const;
  [[nodiscard]] ports::ListPage feed(const ports::ListQuery& query) const;
  [[nodiscard]] std::vector<std::int64_t> ids_led_to(std::uint32_t partition, const ports::ListQuery& query) const;
  [[nodiscard]] std::optional<domain::Type> parent_type_of(const domain::Transaction& child) const;
  // A settlement that an account took part in: as user_id's or, `incoming`, as to_user_id's.
  struct Entry {
    std::int64_t version = 0;  // of the account, after it
    std::int64_t posted_after = 0;
    bool incoming = false;
    const domain::Transaction* transaction = nullptr;
    const domain::Settlement* settlement = nullptr;
  };
  [[nodiscard]] std::vector<Entry> entries_of(const domain::AccountKey& key) const;

  const std::shared_ptr<MemoryDatabase> database_;
  const domain::Currencies& currencies_;
  std::optional<std::uint32_t> settling_;  // from next() to record()
};

}  // namespace tps::reference
