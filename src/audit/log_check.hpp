// The rules that the log of one partition keeps by itself, whatever its transactions come to: ids without gaps, time
// that never runs back, everybody in the right partition, children that fit their parents. Pure.
#pragma once

#include <cstdint>

#include "audit/differences.hpp"
#include "domain/transaction.hpp"
#include "ports/audit.hpp"

namespace tps::audit {

// Whether transactions of this type do something to an earlier one.
bool has_parent(domain::Type type);

class LogCheck {
 public:
  LogCheck(std::uint32_t partition, std::uint32_t partitions, Differences& differences);

  // The next entry of the log. `settled`: the settlement reader is past it, so it must have a settlement; otherwise its
  // settlement is not looked at. False: its id was there before, and it must not count again.
  bool check(const ports::Audit::Entry& entry, bool settled);

  // Of an entry that has_parent(): the transaction of its parent_id, nullptr when there is none.
  void check_parent(const domain::Transaction& child, const domain::Transaction* parent);

  // There is nothing more up to and including `id`, which the settlement reader has passed.
  void end_at(std::int64_t id);

  // The last id that was checked.
  [[nodiscard]] std::int64_t position() const { return last_id_; }

 private:
  void check_places(const domain::Transaction& transaction);
  void check_settlement(const domain::Transaction& transaction, const domain::Settlement& settlement);
  void report(DifferenceKind kind, std::int64_t id, std::string expected = {}, std::string found = {},
              std::string member = {});

  const std::uint32_t partition_;
  const std::uint32_t partitions_;
  Differences& differences_;
  std::int64_t last_id_;
  domain::Timestamp last_created_at_ = domain::Timestamp::min();
  domain::Timestamp last_settled_at_ = domain::Timestamp::min();
};

}  // namespace tps::audit
