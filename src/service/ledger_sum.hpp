// Whether the accounts of a ledger add up to the totals that are kept independently of them: of a ledger of any size,
// while it is in use. The accounts are read piece by piece, in short transactions. Each piece says which settlements it
// includes; the later ones, up to those that the totals include, are made up for from the log.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ports/audit.hpp"
#include "ports/fault.hpp"

namespace tps::service {

class LedgerSum {
 public:
  // Called after each piece with the time that it took; false gives up.
  using Pause = std::function<bool(std::chrono::steady_clock::duration)>;

  // Once. `audit` must outlive this object. `piece`: the most rows of one call.
  LedgerSum(ports::Audit& audit, std::size_t piece, Pause pause);

  // Per currency: what the accounts add up to minus what the totals say, modulo 2^64; 0 unless something is broken.
  ports::StoreResult<std::map<std::string, std::int64_t>> imbalance();

 private:
  // A piece of the accounts: up to `last`, with what the settlements up to `positions` made of them.
  struct Piece {
    std::optional<domain::AccountKey> last;  // nullopt: to the end
    std::vector<std::int64_t> positions;
  };
  using Entries = std::vector<ports::Audit::Entry>;
  using ParentTypes = std::map<std::int64_t, domain::Type>;

  ports::StoreResult<void> add_accounts();
  ports::StoreResult<std::vector<std::int64_t>> subtract_totals();
  ports::StoreResult<void> add_later(std::uint32_t partition, std::int64_t position);
  ports::StoreResult<ParentTypes> parent_types(const Entries& entries);
  void add_change(const domain::AccountKey& key, std::uint32_t partition, std::int64_t id, std::int64_t change);
  // Calls the audit with a deadline, then pauses.
  template <class Call>
  auto read(Call call) -> decltype(call(ports::Deadline{}));

  ports::Audit& audit_;
  const std::size_t piece_;
  const Pause pause_;
  std::vector<Piece> pieces_;
  std::map<std::string, std::int64_t> sums_;
};

}  // namespace tps::service
