// The fixture of the tests of the PostgreSQL store: a migrated database on a real server, short functions to submit,
// and direct SQL.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "adapters/postgres/migrate.hpp"
#include "adapters/postgres/store.hpp"
#include "ops/log.hpp"
#include "ports/fault.hpp"
#include "support/postgres_server.hpp"

namespace tps::fault {

using namespace std::chrono_literals;
using namespace std::string_literals;
using domain::Acceptance;
using domain::Submission;
using postgres::Options;
using postgres::Store;
using tests::PostgresServer;

inline ports::Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

inline domain::Timestamp now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

inline domain::Hash128 hash_of(int number) {
  domain::Hash128 hash{};
  std::memcpy(hash.data(), &number, sizeof number);
  hash[15] = 1;
  return hash;
}

inline Submission deposit(std::optional<int> key = std::nullopt, std::int64_t amount = 100) {
  Submission submission;
  domain::Transaction& transaction = submission.transaction;
  transaction.user_id = "user_1";
  transaction.amount_minor = amount;
  transaction.currency = "USD";
  transaction.created_by = "anonymous";
  if (key) {
    transaction.idempotency_hash = hash_of(*key);
    transaction.content_hash = hash_of(0);
  }
  return submission;
}

inline std::vector<Acceptance> append(postgres::Store& store, std::vector<Submission>& submissions,
                                      std::chrono::milliseconds budget = 10s) {
  std::vector<Submission*> flight;
  flight.reserve(submissions.size());
  for (Submission& submission : submissions) flight.push_back(&submission);
  store.append(flight, now(), in(budget));
  std::vector<Acceptance> outcomes;
  outcomes.reserve(submissions.size());
  for (const Submission& submission : submissions) outcomes.push_back(submission.acceptance);
  return outcomes;
}

class OnPostgres : public testing::Test {
 protected:
  static PostgresServer& server() {
    static PostgresServer shared;
    return shared;
  }

  OnPostgres() {
    ops::set_up_log(ops::Level::error, ops::LogFormat::automatic);
    migrate(server());
  }

  void migrate(const PostgresServer& on) {
    const auto migrated = postgres::migrate({.url = on.url(database_)}, 1, in(30s));
    if (!migrated) throw std::runtime_error(migrated.error());
  }

  postgres::Store store(int port = server().port(), bool prepared = true) {
    return {{.url = PostgresServer::url(database_, port), .prepared_statements = prepared}, currencies_, metrics_};
  }

  std::string sql(const std::string& statement) { return server().query(database_, statement); }
  int rows() { return std::stoi(sql("SELECT count(*) FROM transaction_log")); }

  // Polls until `statement` answers something.
  static std::string await(const PostgresServer& on, const std::string& statement) {
    for (const auto end = in(10s); std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(5ms)) {
      if (std::string answer = on.query("postgres", statement); !answer.empty()) return answer;
    }
    throw std::runtime_error("never: " + statement);
  }

  // The backend that waits for the partition's lock.
  [[nodiscard]] std::string waiting_for_lock() const {
    return "SELECT pid FROM pg_stat_activity WHERE datname = '" + database_ +
           "' AND wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'";
  }

  const std::string database_ = server().create_database();
  domain::Currencies currencies_;
  ops::Metrics metrics_;
};

}  // namespace tps::fault
