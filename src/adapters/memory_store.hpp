// service::Store over plain maps: the readable reference of what a store does, and the fastest one for tests. Nothing
// survives the process. One big lock; a session that settles keeps only its partition, as a row lock would.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "domain/currency.hpp"
#include "domain/settlement.hpp"
#include "service/ports.hpp"

namespace tps::adapters {

// What the sessions share.
class MemoryDatabase {
 public:
  explicit MemoryDatabase(std::uint32_t partitions = 1);

 private:
  friend class MemoryStore;

  // Transactions and settlements by sequence: [0] belongs to first_id_before + 1.
  struct Partition {
    std::vector<domain::Transaction> log;
    std::vector<domain::Settlement> settlements;
    domain::TotalsByCurrency totals;
    bool settling = false;
  };

  const service::StoreIdentity identity_;

  std::mutex mutex_;
  // Under mutex_.
  std::vector<Partition> partitions_;
  domain::Accounts accounts_;
  std::unordered_map<domain::Hash128, std::int64_t, domain::HashOfHash128> by_key_;
  std::map<std::pair<std::string, std::string>, std::int64_t> by_reference_;
  std::map<std::string, int> exponents_;
};

class MemoryStore final : public service::Store {
 public:
  // `currencies` must outlive this object.
  MemoryStore(std::shared_ptr<MemoryDatabase> database, const domain::Currencies& currencies);
  ~MemoryStore() override;

  service::StoreResult<service::StoreIdentity> open(service::Deadline deadline) override;
  void append(std::span<domain::Submission* const> flight, domain::Timestamp now, service::Deadline deadline) override;
  service::StoreResult<std::optional<domain::SettlementInput>> next(std::uint32_t partition, std::size_t max,
                                                                    service::Deadline deadline) override;
  service::StoreResult<void> record(std::uint32_t partition, const domain::SettlementOutput& output,
                                    service::Deadline deadline) override;
  service::StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                             service::Deadline deadline) override;
  service::StoreResult<service::ListPage> list(const service::ListQuery& query, service::Deadline deadline) override;
  service::StoreResult<std::vector<service::Balance>> balances(std::uint32_t partition, const std::string& user_id,
                                                               service::Deadline deadline) override;
  service::StoreResult<std::vector<service::Balance>> balances_at(std::uint32_t partition, const std::string& user_id,
                                                                  domain::Timestamp at,
                                                                  service::Deadline deadline) override;
  service::StoreResult<service::Statement> statement(const service::StatementQuery& query,
                                                     service::Deadline deadline) override;
  service::StoreResult<std::vector<domain::Transaction>> expired_holds(std::uint32_t partition, domain::Timestamp now,
                                                                       std::size_t max,
                                                                       service::Deadline deadline) override;
  service::StoreResult<service::LedgerFigures> figures(service::Deadline deadline) override;
  service::StoreResult<Backlog> backlog(std::uint32_t partition, service::Deadline deadline) override;
  service::StoreResult<void> ping(service::Deadline deadline) override;

 private:
  // All of these under the database's mutex.
  void end_settling();
  void refuse_other_exponents(std::span<domain::Submission* const> flight);
  [[nodiscard]] domain::Existing existing(std::span<domain::Submission* const> flight) const;
  void insert(const domain::Transaction& transaction);
  [[nodiscard]] std::optional<domain::Transaction> at(std::int64_t id) const;

  const std::shared_ptr<MemoryDatabase> database_;
  const domain::Currencies& currencies_;
  std::optional<std::uint32_t> settling_;  // from next() to record()
};

}  // namespace tps::adapters
