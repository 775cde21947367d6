// Which store a database URL means, and how to get sessions of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "ops/metrics.hpp"
#include "ports/audit.hpp"
#include "ports/history.hpp"
#include "ports/key_registry.hpp"
#include "ports/store.hpp"
#include "program/settings.hpp"

namespace tps {

// read_only changes nothing and takes no lock: an embedded file may be in use then, and must be there.
enum class OpenMode : std::uint8_t { read_write, read_only };

struct Engine {
  std::string name;              // "SQLite" or "PostgreSQL"
  std::string where;             // for people; without passwords
  bool migrates_itself = false;  // an embedded file, of this process alone
  std::function<std::unique_ptr<ports::Store>()> session;
  std::shared_ptr<ports::History> history;  // as the sessions find it
  // Reads only. Of a server, one more session.
  std::function<std::unique_ptr<ports::Audit>()> audit;
  // Reads and writes whatever the mode was, with the database's own locks: another process may have an embedded file.
  std::function<std::unique_ptr<ports::KeyRegistry>()> keys;
  // Brings the schema up to date, within a budget for waiting for sessions that use it. Forward only, idempotent.
  std::function<std::expected<void, std::string>(std::chrono::seconds)> migrate;
  // After migrate(): advice to the administrator about rights; usually none ("").
  std::function<std::string()> advice = [] { return std::string(); };
};

// `settings` (whose currencies it uses) and `metrics` must outlive all sessions. The error is a sentence for people.
// Opens an embedded file (which must not be in use), and does not connect to a server yet.
std::expected<Engine, std::string> make_engine(const Settings& settings, ops::Metrics& metrics,
                                               OpenMode mode = OpenMode::read_write);

// The database as an audit reads it.
struct Auditing {
  std::string name;
  std::string where;  // for people; without passwords
  std::unique_ptr<ports::Audit> audit;
};

// Changes nothing, and takes no lock: an embedded file may be in use, and must be there. Otherwise as make_engine().
std::expected<Auditing, std::string> make_audit(const Settings& settings, ops::Metrics& metrics);

}  // namespace tps
