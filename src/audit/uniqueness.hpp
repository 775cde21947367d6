// No idempotency key stands for two transactions (G2), and no user has a reference twice. Of each only 8 bytes are kept
// while the log is read; those that are equal are looked at again in full. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "audit/differences.hpp"
#include "domain/acceptance.hpp"
#include "domain/transaction.hpp"

namespace tps::audit {

class Uniqueness {
 public:
  void add(const domain::Transaction& transaction);

  // The ids of all transactions that may share a key or a reference with another, ascending. Call once, at the end.
  [[nodiscard]] std::vector<std::int64_t> take_suspects();

 private:
  // Of what identifies it, and the id.
  using Mark = std::pair<std::uint64_t, std::int64_t>;
  std::vector<Mark> keys_;
  std::vector<Mark> references_;
};

// Looks at suspects in full, in the order of their ids.
class RepeatCheck {
 public:
  explicit RepeatCheck(Differences& differences) : differences_(differences) {}
  void check(const domain::Transaction& transaction);

 private:
  void report(DifferenceKind kind, const domain::Transaction& transaction, std::int64_t first);

  Differences& differences_;
  std::unordered_map<domain::Hash128, std::int64_t, domain::HashOfHash128> by_key_;
  std::map<std::pair<std::string, std::string>, std::int64_t> by_reference_;
};

}  // namespace tps::audit
