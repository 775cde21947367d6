// One prepared statement of SQLite, and the use of it: bind by index, step, read columns.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "domain/transaction.hpp"

namespace tps::sqlite {

// Prepared once, used many times, by the user of its connection. Text and blobs are bound without a copy and must live
// until reset(). One that could not be prepared (a table is missing) is not ready(), and its step() tells why.
class Statement {
 public:
  Statement(sqlite3* connection, std::string_view sql);

  [[nodiscard]] bool ready() const { return statement_ != nullptr; }

  void bind(int index, std::int64_t value) { sqlite3_bind_int64(statement_.get(), index, value); }
  void bind(int index, std::string_view text) {
    sqlite3_bind_text64(statement_.get(), index, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
  }
  void bind(int index, std::span<const std::uint8_t> blob) {
    sqlite3_bind_blob64(statement_.get(), index, blob.data(), blob.size(), SQLITE_STATIC);
  }
  void bind(int index, domain::Timestamp time) { bind(index, time.time_since_epoch().count()); }
  void bind_null(int index) { sqlite3_bind_null(statement_.get(), index); }
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    if (value) {
      bind(index, *value);
    } else {
      bind_null(index);
    }
  }

  // SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return ready() ? sqlite3_step(statement_.get()) : prepare_code_; }
  void reset() { sqlite3_reset(statement_.get()); }

  [[nodiscard]] bool is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  [[nodiscard]] domain::Timestamp time(int column) const {
    return domain::Timestamp(std::chrono::microseconds(integer(column)));
  }
  // Valid until the next step or reset.
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::span<const std::uint8_t> blob(int column) const;
  [[nodiscard]] std::optional<std::string> optional_text(int column) const;
  [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const;
  [[nodiscard]] std::optional<domain::Timestamp> optional_time(int column) const;
  [[nodiscard]] std::optional<domain::Hash128> optional_hash(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int prepare_code_ = SQLITE_OK;
};

// The result code says that the database refuses this row, and would whatever else is written.
constexpr bool is_about_the_row(int code) {
  const int primary = code & 0xFF;
  return primary == SQLITE_CONSTRAINT || primary == SQLITE_TOOBIG || primary == SQLITE_MISMATCH;
}

// Resets at the end of a scope: an open read keeps its snapshot, and bound text may be gone by then.
class Use {
 public:
  explicit Use(Statement& statement) : statement_(statement) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() { statement_.reset(); }
  Statement* operator->() { return &statement_; }
  Statement& operator*() { return statement_; }

 private:
  Statement& statement_;
};

}  // namespace tps::sqlite
