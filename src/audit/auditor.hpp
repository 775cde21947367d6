// The audit of a database (G3, G6, G11): reads the logs piece by piece, replays them, and compares everything that is
// recorded with what the replay gives. Works while others write: logs are immutable, and for each piece of a derived
// table the replay first goes on to exactly the settlements that the piece includes. No call of the store lasts
// longer than its budget; one that takes longer is tried again, with half as many rows where it has any.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "audit/differences.hpp"
#include "audit/log_check.hpp"
#include "audit/replay.hpp"
#include "audit/table_check.hpp"
#include "audit/uniqueness.hpp"
#include "domain/settlement.hpp"
#include "ports/audit.hpp"
#include "ports/store.hpp"

namespace tps::audit {

struct AuditOptions {
  std::size_t piece = 4'000;                // rows of one call; fewer for each of many partitions
  std::chrono::milliseconds budget{5'000};  // of one call
};

struct AuditProgress {
  std::string_view stage;  // "transactions", "accounts", "holds", "reversals", "pending transactions", "keys"
  std::int64_t done = 0;
  std::int64_t total = 0;
};

// The extent of an audit: everything that it has read.
struct AuditReport {
  int schema = 0;
  std::uint32_t partitions = 0;
  std::int64_t settled = 0;  // transactions with a settlement that was compared
  std::int64_t pending = 0;
  std::int64_t accounts = 0;  // rows
  std::int64_t holds = 0;
  std::int64_t reversals = 0;
  // Transactions that failed as unprocessable: no difference, but something to look into.
  std::int64_t unprocessable = 0;
  std::vector<std::int64_t> first_unprocessable;
};
inline constexpr std::size_t kMostUnprocessableShown = 20;

class Auditor {
 public:
  // All references must outlive this object. `progress` is called after every piece.
  Auditor(ports::Audit& audit, AuditOptions options, Differences& differences,
          std::function<void(const AuditProgress&)> progress);

  // A fault: the audit could not finish; what had been found by then is in the differences. Call once.
  ports::StoreResult<void> run();

  [[nodiscard]] const AuditReport& report() const { return report_; }

 private:
  using Positions = std::vector<std::int64_t>;

  void start(const ports::StoreIdentity& identity);
  ports::StoreResult<void> catch_up();
  ports::StoreResult<void> replay_to(const Positions& positions, TableCheck* tables);
  [[nodiscard]] std::int64_t transactions_read() const;
  ports::StoreResult<void> read_settled(std::uint32_t partition, std::int64_t end);
  ports::StoreResult<void> read_pending();
  ports::StoreResult<std::vector<ports::Audit::Entry>> read(std::uint32_t partition, std::size_t max);
  ports::StoreResult<void> check_log(std::uint32_t partition, std::vector<ports::Audit::Entry>& entries, bool settled,
                                     domain::Parents& parents);
  ports::StoreResult<void> find_parents(const std::vector<ports::Audit::Entry>& entries, domain::Parents& parents);
  template <class Visit>
  ports::StoreResult<void> find(std::span<const std::int64_t> ids, std::string_view stage, Visit visit);
  ports::StoreResult<void> check_tables();
  template <class Fetch, class Compare>
  ports::StoreResult<void> check_table(TableCheck& tables, AuditProgress progress, Fetch fetch, Compare compare);
  ports::StoreResult<void> check_accounts(TableCheck& tables);
  ports::StoreResult<void> check_holds(TableCheck& tables);
  ports::StoreResult<void> check_reversals(TableCheck& tables);
  ports::StoreResult<void> check_orphans();
  ports::StoreResult<void> check_repeats();
  void note_unprocessable(const ports::Audit::Entry& entry);
  template <class Call>
  auto in_time(std::size_t& rows, Call call);
  template <class Call>
  auto persistently(Call call);
  void tell(std::string_view stage, std::int64_t done, std::int64_t total) const;

  ports::Audit& audit_;
  const AuditOptions options_;
  Differences& differences_;
  const std::function<void(const AuditProgress&)> progress_;
  AuditReport report_;

  // From start() on.
  std::vector<LogCheck> logs_;
  std::optional<Replay> replay_;
  Uniqueness uniqueness_;
  std::size_t log_rows_ = 0;  // of the next call
  std::size_t table_rows_ = 0;
};

}  // namespace tps::audit
