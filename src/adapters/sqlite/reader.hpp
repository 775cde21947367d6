// A connection that only reads a SQLite file, opened when it is first needed, and what the file says of itself.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "adapters/sqlite/connection.hpp"
#include "domain/currency.hpp"
#include "ports/store.hpp"

namespace tps::adapters {

// One thread at a time.
class SqliteReader {
 public:
  // `currencies` must outlive this object. Does not open the file at `path` yet, and never creates it.
  SqliteReader(std::string path, const domain::Currencies& currencies);

  // The connection, ready for one short read that ends by the deadline; opened and its schema checked when it is not
  // yet.
  service::StoreResult<SqliteConnection*> ready(service::Deadline deadline);

  // Checks the schema anew.
  service::StoreResult<service::StoreIdentity> open(service::Deadline deadline);

  // Once ready() or open() has given something.
  [[nodiscard]] const service::StoreIdentity& identity() const { return *identity_; }

 private:
  const std::string path_;
  const domain::Currencies& currencies_;
  std::unique_ptr<SqliteConnection> connection_;
  std::optional<service::StoreIdentity> identity_;
};

}  // namespace tps::adapters
