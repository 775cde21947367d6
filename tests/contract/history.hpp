// A random history, submitted and settled, with the resulting entries of every account. Tests compare statements, past
// balances and audits with it.
#pragma once

#include <map>
#include <random>
#include <utility>
#include <vector>

#include "contract/fixture.hpp"

namespace tps::contract {

class History {
 public:
  // One settlement that touched an account.
  struct Entry {
    std::int64_t version = 0;
    std::int64_t transaction_id = 0;
    bool incoming = false;
    std::int64_t change_minor = 0;
    std::int64_t posted_after = 0;
    std::int64_t held_after = 0;
    Timestamp settled_at{};
  };

  // Two users in each partition.
  History(Store& store, std::uint32_t partitions, std::uint32_t seed)
      : store_(store), partitions_(partitions), random_(seed) {}

  // Submits a flight to each partition, settles in small batches, and lets time pass in between.
  void run(int rounds);

  [[nodiscard]] Timestamp now() const { return now_; }
  [[nodiscard]] const std::vector<std::pair<Transaction, domain::Settlement>>& settled() const { return settled_; }
  [[nodiscard]] const domain::Accounts& accounts() const { return accounts_; }
  [[nodiscard]] const domain::Holds& holds() const { return holds_; }
  [[nodiscard]] const domain::Reversals& reversals() const { return reversals_; }
  [[nodiscard]] const std::map<std::pair<std::uint32_t, std::string>, domain::Totals>& totals() const {
    return totals_;
  }

  // By account, in the order of versions, which must have no gaps.
  [[nodiscard]] std::map<domain::AccountKey, std::vector<Entry>> entries() const;

 private:
  std::int64_t up_to(std::int64_t most) { return std::uniform_int_distribution<std::int64_t>(1, most)(random_); }
  std::pair<std::uint32_t, std::string> someone();
  Transaction some_parent(std::uint32_t partition);
  Transaction something(std::uint32_t partition);
  void settle_some(std::uint32_t partition);

  Store& store_;
  const std::uint32_t partitions_;
  std::mt19937 random_;
  Timestamp now_ = kNow;
  std::map<std::uint32_t, std::vector<Transaction>> accepted_;  // by partition
  std::vector<std::pair<Transaction, domain::Settlement>> settled_;
  // As the outputs left them.
  domain::Accounts accounts_;
  domain::Holds holds_;
  domain::Reversals reversals_;
  std::map<std::pair<std::uint32_t, std::string>, domain::Totals> totals_;
};

}  // namespace tps::contract
