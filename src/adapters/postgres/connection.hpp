// One session of a PostgreSQL server: libpq, non-blocking, always in pipeline mode, every wait bounded by a
// deadline. Statements are queued and fly together in one round trip.
//
// Usage:
//     connection.queue(kBegin);
//     connection.queue(kInsert, parameters);
//     auto results = connection.fly(deadline);     // one result per queued statement, or the fault
//
// Nothing is ever cancelled: cancelling a wait for a synchronous standby makes COMMIT succeed without it. When
// a deadline passes, the connection is closed and the server finds out by itself.
// Used by one thread at a time.
#pragma once

#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "adapters/postgres/hosts.hpp"
#include "adapters/postgres/statement.hpp"
#include "adapters/trouble.hpp"
#include "ops/metrics.hpp"
#include "ports/fault.hpp"
#include "ports/history.hpp"
#include "ports/store.hpp"

namespace tps::postgres {

struct Options {
  std::string url;  // postgresql://... or "host=... port=..."; several hosts are tried in turn
  // False: parameters travel with the text each time, for a PgBouncer in transaction mode that cannot keep
  // prepared statements.
  bool prepared_statements = true;
  // Whether a session may record that the database is somewhere else than it was. False for what changes nothing.
  bool records_epochs = true;
  // The history that sessions with these options, or with a copy of them, find; and when one was last connected.
  std::shared_ptr<ports::History> history = std::make_shared<ports::History>();
  // True: what writes is refused while its time is too far from the server's (domain/clock.hpp).
  bool compare_clock = false;
  // When a session with these options, or with a copy of them, was last connected.
  std::shared_ptr<std::atomic<std::chrono::steady_clock::time_point>> last_connected =
      std::make_shared<std::atomic<std::chrono::steady_clock::time_point>>();
  // Hears of the faults that these sessions meet.
  std::shared_ptr<adapters::Trouble> trouble = std::make_shared<adapters::Trouble>();
};

struct Fault {
  enum class Kind : std::uint8_t {
    unreachable,  // not connected, so nothing was sent
    lost,         // the connection is gone, closed here or there: what was sent may have been done or not
    refused,      // the server said no (sqlstate says why); in a transaction, roll_back() before going on
  };
  Kind kind = Kind::unreachable;
  std::string sqlstate;
  std::string detail;

  // The two classes of errors that are about a value, and so about one item of many.
  [[nodiscard]] bool about_a_value() const {
    return kind == Kind::refused && (sqlstate.starts_with("22") || sqlstate.starts_with("23"));
  }
  // Serialization failure, deadlock: the same again may work.
  [[nodiscard]] bool worth_repeating() const {
    return kind == Kind::refused && (sqlstate == "40001" || sqlstate == "40P01");
  }
};

// For a fault before anything was committed, or of a read.
ports::StoreFault store_fault(const Fault& fault);

template <class T>
using Answer = std::expected<T, Fault>;

class Connection {
 public:
  Connection(Options options, ops::Metrics& metrics);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Connects unless connected. After a failure there is a pause (50 ms, doubling to 1 s, with jitter) in which this
  // fails at once; it ends early when another session with the same options gets a connection.
  Answer<void> connect(ports::Deadline deadline);

  // Connects, sitting out the pauses, until the deadline.
  Answer<void> connect_patiently(ports::Deadline deadline);

  // Tells how many transactions a log has at least; see Statement::reads_log.
  void log_has(std::int64_t rows) { log_is_big_ = log_is_big_ || rows >= kRowsOfABigLog; }

  [[nodiscard]] adapters::Trouble& trouble() const { return *options_.trouble; }

  [[nodiscard]] bool connected() const { return connection_ != nullptr; }

  // Adds a statement to the flight. Large parameters may leave at once. A fault is kept and given by fly().
  void queue(const Statement& statement, const Parameters& parameters = {});

  // Sends what is queued and reads all answers. On the first statement that is refused the rest is not run.
  Answer<std::vector<Result>> fly(ports::Deadline deadline);

  // Several statements in one text, without parameters or results, in the simple protocol (migrations).
  Answer<void> run_script(const std::string& sql, ports::Deadline deadline);

  // After a refusal: ends the transaction, if one is open, so that the connection can be used again; closes it if
  // that fails.
  void roll_back(ports::Deadline deadline);

  void close();

  // The WARNINGs since the last flight began ("" for none). A COMMIT with one may not be durable.
  [[nodiscard]] const std::string& warning() const { return warning_; }

  [[nodiscard]] std::string_view parameter(const char* name) const;  // server_encoding, ...

 private:
  struct CloseConnection {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  static constexpr std::int64_t kRowsOfABigLog = 10'000;

  // The answers that are due, in order.
  struct Due {
    const Statement* statement;
    bool is_preparation;
  };

  Answer<void> open(ports::Deadline deadline);
  bool start(const Keywords& keywords, ports::Deadline deadline);
  std::expected<void, std::string> begin_session();
  Fault failed_to_connect(std::string detail);
  [[nodiscard]] bool pausing() const;
  Fault lost(std::string detail);
  bool flush(ports::Deadline deadline);
  Answer<PGresult*> next_result(ports::Deadline deadline);
  Answer<void> read_due(std::vector<Result>& results, ports::Deadline deadline);
  Answer<void> read_sync(ports::Deadline deadline);
  [[nodiscard]] bool wait_for(short events, ports::Deadline deadline) const;
  Fault refusal(const PGresult* result);
  static void take_notice(void* self, const PGresult* notice);

  const Options options_;
  ops::Metrics& metrics_;
  std::minstd_rand random_;
  std::unique_ptr<PGconn, CloseConnection> connection_;
  std::unordered_set<const Statement*> prepared_;
  std::vector<Due> due_;
  std::string queue_failed_;
  bool log_is_big_ = false;
  std::string warning_;
  unsigned failures_in_a_row_ = 0;
  Hosts hosts_;
  std::size_t first_host_ = 0;
  bool was_connected_ = false;
  std::chrono::steady_clock::time_point attempt_began_{};
  std::chrono::steady_clock::time_point pause_ends_{};
  std::string last_error_;  // of the last attempt
};

}  // namespace tps::postgres
