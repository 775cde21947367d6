#include "audit/log_check.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "service/identity.hpp"

namespace tps::audit {
namespace {

using domain::Timestamp;
using domain::Transaction;
using domain::Type;

std::string log_text(Timestamp time) { return std::to_string(time.time_since_epoch().count()) + " us"; }

std::string log_text(std::optional<std::uint32_t> partition) {
  return partition ? std::to_string(*partition) : std::string("none");
}

// A child that moves no money needs no receiver.
bool has_same_receiver(const Transaction& child, const Transaction& parent) {
  const bool moves = child.type == Type::capture || child.type == Type::reversal;
  if (!moves && !child.to_user_id) return true;
  return child.to_user_id == parent.to_user_id;
}

}  // namespace

bool has_parent(Type type) {
  return type == Type::capture || type == Type::void_ || type == Type::expiry || type == Type::reversal;
}

LogCheck::LogCheck(std::uint32_t partition, std::uint32_t partitions, Differences& differences)
    : partition_(partition),
      partitions_(partitions),
      differences_(differences),
      last_id_(domain::id_before_first(partition)) {}

void LogCheck::report(DifferenceKind kind, std::int64_t id, std::string expected, std::string found,
                      std::string member) {
  differences_.add({.kind = kind,
                    .partition = partition_,
                    .transaction_id = id,
                    .member = std::move(member),
                    .expected = std::move(expected),
                    .found = std::move(found)});
}

bool LogCheck::check(const ports::Audit::Entry& entry, bool settled) {
  const Transaction& transaction = entry.transaction;
  const std::int64_t id = transaction.id;
  if (id <= last_id_) {
    report(DifferenceKind::id_repeated, id);
    return false;
  }
  if (id != last_id_ + 1) report(DifferenceKind::id_gap, id, std::to_string(last_id_ + 1), std::to_string(id));
  last_id_ = id;
  if (!entry.readable) report(DifferenceKind::row_unreadable, id);
  if (transaction.created_at < last_created_at_) {
    report(DifferenceKind::created_at_runs_back, id, "at least " + log_text(last_created_at_),
           log_text(transaction.created_at));
  }
  last_created_at_ = std::max(last_created_at_, transaction.created_at);
  check_places(transaction);
  if (settled && entry.settlement) check_settlement(transaction, *entry.settlement);
  if (settled && !entry.settlement) report(DifferenceKind::settlement_missing, id);
  return true;
}

void LogCheck::check_places(const Transaction& transaction) {
  const std::uint32_t of_user = service::partition_of(transaction.user_id, partitions_);
  if (of_user != partition_ || transaction.partition != partition_) {
    report(DifferenceKind::user_misplaced, transaction.id, log_text(of_user),
           log_text(of_user != partition_ ? partition_ : transaction.partition));
  }
  std::optional<std::uint32_t> of_receiver;
  if (transaction.to_user_id) of_receiver = service::partition_of(*transaction.to_user_id, partitions_);
  if (transaction.to_partition != of_receiver) {
    report(DifferenceKind::receiver_misplaced, transaction.id, log_text(of_receiver),
           log_text(transaction.to_partition));
  }
}

void LogCheck::check_settlement(const Transaction& transaction, const domain::Settlement& settlement) {
  const Timestamp earliest = std::max(last_settled_at_, transaction.created_at);
  if (settlement.settled_at < earliest) {
    report(DifferenceKind::settled_at_runs_back, transaction.id, "at least " + log_text(earliest),
           log_text(settlement.settled_at));
  }
  last_settled_at_ = std::max(last_settled_at_, settlement.settled_at);
  if (settlement.rules_version < 1 || settlement.rules_version > domain::kRulesVersion) {
    report(DifferenceKind::rules_unknown, transaction.id, "at most " + std::to_string(domain::kRulesVersion),
           std::to_string(settlement.rules_version));
  }
}

void LogCheck::check_parent(const Transaction& child, const Transaction* parent) {
  const std::int64_t parent_id = child.parent_id.value_or(0);
  if (parent == nullptr) {
    report(DifferenceKind::parent_missing, child.id, {}, child.parent_id ? std::to_string(parent_id) : "none");
    return;
  }
  if (parent_id >= child.id || domain::partition_of_id(parent_id) != partition_) {
    report(DifferenceKind::parent_not_earlier, child.id, {}, std::to_string(parent_id));
  }
  const auto compare = [&](const char* member, const std::string& expected, const std::string& found) {
    if (expected != found) report(DifferenceKind::parent_of_another, child.id, expected, found, member);
  };
  compare("user_id", parent->user_id, child.user_id);
  compare("currency", parent->currency, child.currency);
  if (!has_same_receiver(child, *parent)) {
    compare("to_user_id", parent->to_user_id.value_or("none"), child.to_user_id.value_or("none"));
  }
}

void LogCheck::end_at(std::int64_t id) {
  if (id <= last_id_) return;
  report(DifferenceKind::id_gap, last_id_ + 1, std::to_string(last_id_ + 1), "none up to " + std::to_string(id));
  last_id_ = id;
}

}  // namespace tps::audit
