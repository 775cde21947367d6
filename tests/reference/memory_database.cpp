#include "reference/memory_database.hpp"

#include "adapters/migration.hpp"

namespace tps::reference {

using domain::Transaction;

std::size_t index_of(std::int64_t id) { return static_cast<std::size_t>(domain::sequence_of_id(id) - 1); }

MemoryDatabase::MemoryDatabase(std::uint32_t partitions)
    : identity_{.store_id = adapters::new_store_id(),
                .schema = 1,
                .partitions = partitions,
                .cache_secret =
                    [] {
                      const auto secret = adapters::new_cache_secret();
                      return std::vector<std::uint8_t>(secret.begin(), secret.end());
                    }()},
      partitions_(partitions) {}

std::optional<Transaction> MemoryDatabase::at(std::int64_t id) const {
  if (id <= 0 || domain::partition_of_id(id) >= partitions_.size()) return std::nullopt;
  const Partition& partition = partitions_[domain::partition_of_id(id)];
  const std::size_t index = index_of(id);
  if (index >= partition.log.size()) return std::nullopt;
  Transaction transaction = partition.log[index];
  if (index >= partition.settlements.size()) return transaction;
  const domain::Settlement& settlement = partition.settlements[index];
  put_on(settlement, transaction);
  if (settlement.status == domain::Status::authorized) {
    const auto hold = holds_.find(id);
    if (hold != holds_.end()) transaction.status = hold->second.status;
    transaction.settled_at = hold == holds_.end() ? std::nullopt : hold->second.closed_at;
  }
  return transaction;
}

domain::Account MemoryDatabase::account(const domain::AccountKey& key) const {
  const auto found = accounts_.find(key);
  return found == accounts_.end() ? domain::Account{} : found->second;
}

}  // namespace tps::reference
