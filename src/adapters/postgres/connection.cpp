#include "adapters/postgres/connection.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <thread>

#include "adapters/postgres/dsn.hpp"

namespace tps::postgres {
namespace {

using ports::Deadline;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLongestPause{1000};
constexpr unsigned kMostDoublings = 5;
// One attempt to connect, so that a host that swallows packets leaves time for the next.
constexpr milliseconds kConnectBudget{1500};

constexpr Statement kRollback{"rollback", "ROLLBACK"};

std::string_view trimmed(const char* text) {
  std::string_view view = text == nullptr ? "" : text;
  while (!view.empty() && view.back() == '\n') view.remove_suffix(1);
  return view;
}

std::string_view field(const PGresult* result, int code) { return trimmed(PQresultErrorField(result, code)); }

struct Meaning {
  std::string_view sqlstate;
  ports::StoreFault::Cause cause;
};

constexpr std::array kMeanings{
    Meaning{"53100", ports::StoreFault::Cause::full},     // disk_full
    Meaning{"53300", ports::StoreFault::Cause::refuses},  // too_many_connections
    Meaning{"53400", ports::StoreFault::Cause::refuses},  // configuration_limit_exceeded
    Meaning{"42501", ports::StoreFault::Cause::refuses},  // insufficient_privilege
    Meaning{"58030", ports::StoreFault::Cause::damaged},  // io_error
    Meaning{"58P01", ports::StoreFault::Cause::damaged},  // undefined_file
    Meaning{"XX001", ports::StoreFault::Cause::damaged},  // data_corrupted
    Meaning{"XX002", ports::StoreFault::Cause::damaged},  // index_corrupted
};

}  // namespace

ports::StoreFault store_fault(const Fault& fault) {
  const auto* const meaning = std::ranges::find(kMeanings, fault.sqlstate, &Meaning::sqlstate);
  return {ports::StoreFault::Kind::unavailable,
          fault.sqlstate.empty() ? fault.detail : fmt::format("{} (SQLSTATE {})", fault.detail, fault.sqlstate),
          meaning == kMeanings.end() ? ports::StoreFault::Cause::unreachable : meaning->cause};
}

Connection::Connection(Options options, ops::Metrics& metrics)
    : options_(std::move(options)), metrics_(metrics), random_(std::random_device{}()) {}

Connection::~Connection() = default;

Answer<void> Connection::connect(Deadline deadline) {
  if (connected()) return {};
  const bool late = steady_clock::now() >= deadline;
  if (late || pausing()) {
    std::string why = late ? "the deadline has passed" : "the database is unreachable: " + last_error_;
    return std::unexpected(Fault{Fault::Kind::unreachable, "", std::move(why)});
  }
  return open(deadline);
}

Answer<void> Connection::connect_patiently(Deadline deadline) {
  for (;;) {
    auto connected = connect(deadline);
    if (connected || pause_ends_ >= deadline) return connected;
    std::this_thread::sleep_until(pause_ends_);
  }
}

Answer<void> Connection::open(Deadline deadline) {
  attempt_began_ = steady_clock::now();
  const auto soon = [deadline] { return std::min(deadline, steady_clock::now() + kConnectBudget); };
  auto keywords = connection_keywords(options_.url);
  if (!keywords) return std::unexpected(failed_to_connect(keywords.error()));
  const auto resolved = hosts_.resolve(std::move(*keywords), soon());
  if (!resolved) return std::unexpected(failed_to_connect(resolved.error()));
  std::string trouble = "no answer in time";
  // A host that says nothing uses up its own time only; the caller is served from the next one.
  for (std::size_t left = count_hosts(*resolved); left > 0 && steady_clock::now() < deadline; --left) {
    if (start(starting_at_host(*resolved, first_host_), soon())) {
      if (const auto begun = begin_session(); !begun) {
        trouble = begun.error();
        break;
      }
      return {};
    }
    ++first_host_;
  }
  return std::unexpected(failed_to_connect(std::move(trouble)));
}

// False: the server did not answer. Else it has answered, if only that it will not have us.
bool Connection::start(const Keywords& keywords, Deadline deadline) {
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : keywords) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);

  connection_.reset(PQconnectStartParams(names.data(), values.data(), 0));
  PGconn* raw = connection_.get();
  PostgresPollingStatusType step = PGRES_POLLING_WRITING;
  while (raw != nullptr && PQstatus(raw) != CONNECTION_BAD && step != PGRES_POLLING_OK) {
    if (step == PGRES_POLLING_FAILED) break;
    if (!wait_for(step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) return false;
    step = PQconnectPoll(raw);
  }
  return true;
}

// The error is what the server or libpq said.
std::expected<void, std::string> Connection::begin_session() {
  PGconn* raw = connection_.get();
  if (raw == nullptr || PQstatus(raw) != CONNECTION_OK)
    return std::unexpected(std::string(trimmed(PQerrorMessage(raw))));
  PQsetNoticeReceiver(raw, &Connection::take_notice, this);
  if (PQsetnonblocking(raw, 1) != 0 || PQenterPipelineMode(raw) != 1) {
    return std::unexpected(std::string(trimmed(PQerrorMessage(raw))));
  }
  if (was_connected_) metrics_.store_reconnects.Increment();
  was_connected_ = true;
  failures_in_a_row_ = 0;
  *options_.last_connected = steady_clock::now();
  return {};
}

Fault Connection::failed_to_connect(std::string detail) {
  close();
  // That the server was away a while ago is no reason to wait long for it now.
  if (steady_clock::now() - pause_ends_ > kLongestPause * 5) failures_in_a_row_ = 0;
  const auto longest = std::min(kFirstPause * (1U << std::min(failures_in_a_row_, kMostDoublings)), kLongestPause);
  ++failures_in_a_row_;
  // Half of it fixed, half of it random: many instances must not come back in step.
  std::uniform_int_distribution<std::int64_t> jitter(longest.count() / 2, longest.count());
  pause_ends_ = steady_clock::now() + milliseconds{jitter(random_)};
  last_error_ = detail;
  return {Fault::Kind::unreachable, "", std::move(detail)};
}

// Readiness finds the server back, perhaps while this attempt hangs: those that carry requests must not refuse any
// more.
bool Connection::pausing() const {
  return steady_clock::now() < pause_ends_ && options_.last_connected->load() < attempt_began_;
}

void Connection::close() {
  connection_.reset();
  prepared_.clear();
  due_.clear();
  queue_failed_.clear();
  log_is_big_ = false;
}

Fault Connection::lost(std::string detail) {
  close();
  return {Fault::Kind::lost, "", std::move(detail)};
}

std::string_view Connection::parameter(const char* name) const {
  return connected() ? trimmed(PQparameterStatus(connection_.get(), name)) : "";
}

void Connection::queue(const Statement& statement, const Parameters& parameters) {
  if (!connected() || !queue_failed_.empty()) return;
  if (due_.empty()) warning_.clear();
  PGconn* raw = connection_.get();
  const bool by_name =
      options_.prepared_statements && statement.name != nullptr && (log_is_big_ || !statement.reads_log);
  if (by_name && prepared_.insert(&statement).second) {
    if (PQsendPrepare(raw, statement.name, statement.sql, 0, nullptr) != 1) {
      queue_failed_ = trimmed(PQerrorMessage(raw));
      return;
    }
    due_.push_back({&statement, true});
  }
  const int sent = by_name ? PQsendQueryPrepared(raw, statement.name, parameters.size(), parameters.values(),
                                                 parameters.lengths(), Parameters::formats(), 1)
                           : PQsendQueryParams(raw, statement.sql, parameters.size(), nullptr, parameters.values(),
                                               parameters.lengths(), Parameters::formats(), 1);
  if (sent != 1) {
    queue_failed_ = trimmed(PQerrorMessage(raw));
    return;
  }
  due_.push_back({&statement, false});
}

Answer<std::vector<Result>> Connection::fly(Deadline deadline) {
  if (!connected()) return std::unexpected(Fault{Fault::Kind::unreachable, "", "not connected"});
  if (!queue_failed_.empty()) return std::unexpected(lost(queue_failed_));
  if (PQpipelineSync(connection_.get()) != 1 || !flush(deadline)) {
    return std::unexpected(lost(std::string(trimmed(PQerrorMessage(connection_.get())))));
  }
  std::vector<Result> results;
  results.reserve(due_.size());
  auto read = read_due(results, deadline);
  due_.clear();
  if (!read) {
    if (read.error().kind != Fault::Kind::refused) return std::unexpected(lost(read.error().detail));
    trouble().met(store_fault(read.error()));
    if (auto sync = read_sync(deadline); !sync) return std::unexpected(sync.error());
    return std::unexpected(read.error());
  }
  if (auto sync = read_sync(deadline); !sync) return std::unexpected(sync.error());
  return results;
}

// Reads up to and including the first refusal.
Answer<void> Connection::read_due(std::vector<Result>& results, Deadline deadline) {
  std::expected<void, Fault> outcome;
  for (const Due& due : due_) {
    auto result = next_result(deadline);
    if (!result) return std::unexpected(result.error());
    Result owned(*result);
    const ExecStatusType status = PQresultStatus(owned.raw());
    const bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!good && due.is_preparation) prepared_.erase(due.statement);
    if (!good && outcome && status != PGRES_PIPELINE_ABORTED) outcome = std::unexpected(refusal(owned.raw()));
    if (!outcome && outcome.error().kind == Fault::Kind::lost) return outcome;
    if (good && !due.is_preparation) results.push_back(std::move(owned));
    // The end of this statement's results.
    if (auto end = next_result(deadline); !end) return std::unexpected(end.error());
  }
  return outcome;
}

Answer<void> Connection::read_sync(Deadline deadline) {
  auto sync = next_result(deadline);
  if (!sync) return std::unexpected(sync.error());
  const Result owned(*sync);
  if (PQresultStatus(owned.raw()) == PGRES_PIPELINE_SYNC) return {};
  return std::unexpected(lost("answers out of step: " + refusal(owned.raw()).detail));
}

Fault Connection::refusal(const PGresult* result) {
  const std::string_view severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  std::string detail(field(result, PG_DIAG_MESSAGE_PRIMARY));
  if (detail.empty()) detail = trimmed(PQresultErrorMessage(result));
  const bool session_ended = severity != "ERROR" || PQstatus(connection_.get()) == CONNECTION_BAD;
  return {session_ended ? Fault::Kind::lost : Fault::Kind::refused, std::string(field(result, PG_DIAG_SQLSTATE)),
          std::move(detail)};
}

Answer<PGresult*> Connection::next_result(Deadline deadline) {
  PGconn* raw = connection_.get();
  while (PQisBusy(raw) != 0) {
    if (!wait_for(POLLIN, deadline)) return std::unexpected(lost("no answer by the deadline"));
    if (PQconsumeInput(raw) != 1) return std::unexpected(lost(std::string(trimmed(PQerrorMessage(raw)))));
  }
  return PQgetResult(raw);
}

bool Connection::flush(Deadline deadline) {
  PGconn* raw = connection_.get();
  for (;;) {
    const int left = PQflush(raw);
    if (left <= 0) return left == 0;
    // The server may be unable to read before its answers are.
    if (!wait_for(POLLIN | POLLOUT, deadline) || PQconsumeInput(raw) != 1) return false;
  }
}

bool Connection::wait_for(short events, Deadline deadline) const {
  pollfd socket{.fd = PQsocket(connection_.get()), .events = events, .revents = 0};
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return false;
    const int ready = poll(&socket, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

Answer<void> Connection::run_script(const std::string& sql, Deadline deadline) {
  PGconn* raw = connection_.get();
  if (raw == nullptr || PQexitPipelineMode(raw) != 1 || PQsendQuery(raw, sql.c_str()) != 1 || !flush(deadline)) {
    return std::unexpected(lost(std::string(trimmed(PQerrorMessage(raw)))));
  }
  Answer<void> outcome;
  for (;;) {
    auto result = next_result(deadline);
    if (!result) return std::unexpected(result.error());
    if (*result == nullptr) break;
    const Result owned(*result);
    if (PQresultStatus(owned.raw()) == PGRES_FATAL_ERROR && outcome) outcome = std::unexpected(refusal(owned.raw()));
  }
  if (PQenterPipelineMode(raw) != 1) return std::unexpected(lost("cannot go back to pipeline mode"));
  return outcome;
}

void Connection::roll_back(Deadline deadline) {
  if (!connected()) return;
  const PGTransactionStatusType status = PQtransactionStatus(connection_.get());
  if (status == PQTRANS_IDLE) return;
  const bool open = status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
  if (open) queue(kRollback);
  if (!open || !fly(deadline)) close();
}

void Connection::take_notice(void* self, const PGresult* notice) {
  if (field(notice, PG_DIAG_SEVERITY_NONLOCALIZED) != "WARNING") return;
  std::string& warning = static_cast<Connection*>(self)->warning_;
  if (!warning.empty()) warning += "; ";
  warning += field(notice, PG_DIAG_MESSAGE_PRIMARY);
}

}  // namespace tps::postgres
