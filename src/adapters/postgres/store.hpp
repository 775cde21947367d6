// ports::Store on PostgreSQL. One object is one session: one connection, made when it is first needed and
// again, with pauses, when it is lost.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/postgres/connection.hpp"
#include "adapters/postgres/session.hpp"
#include "domain/currency.hpp"
#include "ops/metrics.hpp"
#include "ports/store.hpp"

namespace tps::postgres {

// True if libpq can read it.
bool is_url(const std::string& url);

class Store final : public ports::Store {
 public:
  // `currencies` and `metrics` must outlive this object. Does not connect yet.
  Store(const Options& options, const domain::Currencies& currencies, ops::Metrics& metrics);
  ~Store() override;

  ports::StoreResult<ports::StoreIdentity> open(ports::Deadline deadline) override;
  std::optional<ports::StoreFault> append(std::span<domain::Submission* const> flight, domain::Timestamp now,
                                          ports::Deadline deadline) override;
  ports::StoreResult<std::optional<domain::SettlementInput>> next(std::uint32_t partition, std::size_t max,
                                                                  ports::Deadline deadline) override;
  ports::StoreResult<void> record(std::uint32_t partition, const domain::SettlementOutput& output,
                                  ports::Deadline deadline) override;
  ports::StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                           ports::Deadline deadline) override;
  ports::StoreResult<ports::ListPage> list(const ports::ListQuery& query, ports::Deadline deadline) override;
  ports::StoreResult<std::vector<ports::Balance>> balances(std::uint32_t partition, const std::string& user_id,
                                                           ports::Deadline deadline) override;
  ports::StoreResult<std::vector<ports::Balance>> balances_at(std::uint32_t partition, const std::string& user_id,
                                                              domain::Timestamp at, ports::Deadline deadline) override;
  ports::StoreResult<ports::Statement> statement(const ports::StatementQuery& query, ports::Deadline deadline) override;
  ports::StoreResult<ports::DueHolds> expired_holds(std::uint32_t partition, domain::Timestamp now,
                                                    const ports::HoldPosition& after, std::size_t max,
                                                    ports::Deadline deadline) override;
  ports::StoreResult<Backlog> backlog(std::uint32_t partition, ports::Deadline deadline) override;
  ports::StoreResult<ports::Pong> ping(ports::Deadline deadline) override;

 private:
  void give_up_settling(ports::Deadline deadline);

  // Session::reading, outside of any settlement.
  template <class Read>
  auto reading(ports::Deadline deadline, Read read) -> ports::StoreResult<typename decltype(read())::value_type>;

  Session session_;
  std::optional<std::uint32_t> settling_;  // the partition whose transaction is open
  std::map<std::uint32_t, bool> idle_;     // partitions that had nothing to settle when last asked
};

}  // namespace tps::postgres
