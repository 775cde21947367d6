// For property tests: random histories of all types of transactions, made from plain numbers so that RapidCheck can
// shrink them, and a shelf that keeps what settle() gives, as a store does.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "domain/settlement.hpp"

namespace tps::domain::test {

// Each 0..255; together they say what the next transaction is.
struct Move {
  int kind = 0;
  int user = 0;
  int other = 0;
  int amount = 0;
  int parent = 0;
  int time = 0;
  int flaw = 0;
};

inline std::ostream& operator<<(std::ostream& out, const Move& move) {
  return out << '{' << move.kind << ' ' << move.user << ' ' << move.other << ' ' << move.amount << ' ' << move.parent
             << ' ' << move.time << ' ' << move.flaw << '}';
}

// One look of a worker at a partition.
struct Look {
  int partition = 0;
  int most = 1;
};

inline std::ostream& operator<<(std::ostream& out, const Look& look) {
  return out << '{' << look.partition << ' ' << look.most << '}';
}

inline rc::Gen<std::vector<Move>> moves() {
  const auto byte = [] { return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, 256)); };
  return rc::gen::scale(12.0, rc::gen::container<std::vector<Move>>(rc::gen::build<Move>(
                                  rc::gen::set(&Move::kind, byte()), rc::gen::set(&Move::user, byte()),
                                  rc::gen::set(&Move::other, byte()), rc::gen::set(&Move::amount, byte()),
                                  rc::gen::set(&Move::parent, byte()), rc::gen::set(&Move::time, byte()),
                                  rc::gen::set(&Move::flaw, byte()))));
}

inline rc::Gen<std::vector<Look>> looks(int partitions) {
  const auto upto = [](int end) { return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, end)); };
  return rc::gen::scale(4.0, rc::gen::container<std::vector<Look>>(rc::gen::build<Look>(
                                 rc::gen::set(&Look::partition, upto(partitions)),
                                 rc::gen::set(&Look::most, rc::gen::map(upto(20), [](int n) { return n + 1; })))));
}

// The logs of all partitions.
class History {
 public:
  History(const std::vector<Move>& moves, std::uint32_t partitions) : logs_(partitions) {
    for (const Move& move : moves) add(move);
  }

  [[nodiscard]] const std::vector<Transaction>& log(std::size_t partition) const { return logs_.at(partition); }
  [[nodiscard]] std::size_t partitions() const { return logs_.size(); }

 private:
  static constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

  [[nodiscard]] std::uint32_t home_of(int user) const { return static_cast<std::uint32_t>(user) % partitions_32(); }
  [[nodiscard]] std::uint32_t partitions_32() const { return static_cast<std::uint32_t>(logs_.size()); }
  static std::string name_of(int user) { return {static_cast<char>('a' + user)}; }

  void send_to(Transaction& one, int user) const {
    one.to_user_id = name_of(user);
    one.to_partition = home_of(user);
  }

  // Of 6 users and 2 currencies, so that they meet often.
  void add(const Move& move) {
    Transaction one;
    const int user = move.user % 6;
    one.partition = home_of(user);
    one.user_id = name_of(user);
    one.currency = move.user < 200 ? "USD" : "EUR";
    std::vector<Transaction>& log = logs_[one.partition];
    one.id = id_before_first(one.partition) + static_cast<std::int64_t>(log.size()) + 1;
    now_ += std::chrono::seconds(move.time < 4 ? 30 : move.time % 4 / 3);
    one.type = type_of(move.kind % 32);
    one.amount_minor = move.amount < 248 ? 1 + move.amount : kMost - (move.amount - 248);
    if (one.type == Type::deposit && move.amount < 248) one.amount_minor *= 10;
    if (one.type == Type::transfer) send_to(one, (user + 1 + move.other % 5) % 6);
    const bool manual = move.kind % 2 == 1 && (one.type == Type::withdrawal || one.type == Type::transfer);
    if (manual) one.capture = Capture::manual;
    if (one.type == Type::account_update) update(one, move);
    if (one.type >= Type::capture && one.type <= Type::reversal) follow(one, move);
    if (move.flaw >= 245) spoil(one, move);
    one.created_at = now_;
    if (manual) one.hold_expires_at = now_ + std::chrono::seconds(1 + move.other % 40);
    if (move.flaw == 244) one.hold_expires_at = manual ? std::nullopt : std::optional(now_);
    log.push_back(std::move(one));
  }

  static Type type_of(int kind) {
    if (kind < 6) return Type::deposit;
    if (kind < 10) return Type::withdrawal;
    if (kind < 16) return Type::transfer;
    if (kind < 20) return Type::capture;
    if (kind < 22) return Type::void_;
    if (kind < 24) return Type::expiry;
    if (kind < 29) return Type::reversal;
    return Type::account_update;
  }

  static void update(Transaction& one, const Move& move) {
    one.amount_minor = 0;
    if (move.other % 3 != 0)
      one.overdraft_limit = move.amount < 248 ? std::int64_t{4} * move.amount : kMost - (move.amount - 248);
    if (move.other % 3 != 1) one.frozen = move.parent % 4 == 0;
  }

  static bool suits(Type type, const Transaction& parent) {
    if (type == Type::reversal) return parent.type <= Type::capture && parent.capture == Capture::automatic;
    return parent.capture == Capture::manual;
  }

  // One of the newest that can have such a child, and its accounts.
  void follow(Transaction& one, const Move& move) {
    const std::vector<Transaction>& log = logs_[one.partition];
    const std::size_t newest = move.parent < 128 ? 2 : 8;
    std::vector<const Transaction*> possible;
    for (auto earlier = log.rbegin(); earlier != log.rend() && possible.size() < newest; ++earlier) {
      if (suits(one.type, *earlier)) possible.push_back(&*earlier);
    }
    one.parent_id = 0;
    if (possible.empty()) return;
    const Transaction& parent = *possible[static_cast<std::size_t>(move.parent) % possible.size()];
    one.parent_id = parent.id;
    one.user_id = parent.user_id;
    one.currency = parent.currency;
    if (one.type == Type::capture || one.type == Type::reversal) {
      one.to_user_id = parent.to_user_id;
      one.to_partition = parent.to_partition;
    }
    const bool to_the_end = move.other % 8 == 0 && parent.hold_expires_at;
    if (to_the_end) now_ = std::max(now_, *parent.hold_expires_at);
    if (move.amount % 4 == 0 && parent.amount_minor < kMost) one.amount_minor = parent.amount_minor + 1;
    if (move.amount % 4 == 1) one.amount_minor = parent.amount_minor;
    if (move.amount % 4 == 2) one.amount_minor = std::max<std::int64_t>(1, parent.amount_minor / 3);
  }

  // A row such as only a bug can write.
  void spoil(Transaction& one, const Move& move) const {
    switch (move.flaw) {
      case 245:
        one.amount_minor = 0;
        break;
      case 246:
        one.amount_minor = -1 - move.amount;
        break;
      case 247:
        one.user_id = "z";
        break;
      case 248:
        send_to(one, move.other % 6);
        break;
      case 249:
        one.to_user_id.reset();
        break;
      case 250:
        one.parent_id = one.id;
        break;
      case 251:
        one.parent_id = one.id + 1;
        break;
      case 252:
        one.parent_id = one.id - 1;
        break;
      case 253:
        one.type = static_cast<Type>(move.other % 8);
        break;
      case 254:
        one.overdraft_limit = -1;
        break;
      default:
        one.currency = "EUR";
    }
    // The hold of a withdrawal remembers no receiver, so a capture cannot be told from one that has none.
    const bool is_end = one.type == Type::capture || one.type == Type::void_ || one.type == Type::expiry;
    if (is_end && (move.flaw == 248 || move.flaw == 249 || move.flaw == 252 || move.flaw == 253)) one.amount_minor = 0;
  }

  std::vector<std::vector<Transaction>> logs_;
  Timestamp now_{std::chrono::seconds(1)};
};

}  // namespace tps::domain::test
