// The state that the sessions of a memory store share: the logs and everything derived from them, in plain containers.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "domain/settlement.hpp"
#include "ports/store.hpp"

namespace tps::reference {

class MemoryDatabase {
 public:
  explicit MemoryDatabase(std::uint32_t partitions = 1);

 private:
  friend class MemoryStore;
  friend class MemoryAudit;

  // Transactions and settlements by sequence: [0] belongs to id_before_first + 1.
  struct Partition {
    std::vector<domain::Transaction> log;
    std::vector<domain::Settlement> settlements;
    domain::TotalsByCurrency totals;
    bool settling = false;
  };

  // Both under mutex_.
  [[nodiscard]] std::optional<domain::Transaction> at(std::int64_t id) const;  // as it stands now
  [[nodiscard]] domain::Account account(const domain::AccountKey& key) const;

  const ports::StoreIdentity identity_;

  std::mutex mutex_;
  // Under mutex_.
  std::vector<Partition> partitions_;
  domain::Accounts accounts_;
  domain::Holds holds_;
  domain::Reversals reversals_;
  std::unordered_map<domain::Hash128, std::int64_t, domain::HashOfHash128> by_key_;
  std::map<std::pair<std::string, std::string>, std::int64_t> by_reference_;
  std::map<std::string, int> exponents_;
};

// Its place in the log of its partition.
std::size_t index_of(std::int64_t id);

}  // namespace tps::reference
