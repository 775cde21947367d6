// A connection that only reads a SQLite file, opened when it is first needed, and what the file says of itself.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "adapters/sqlite/connection.hpp"
#include "domain/currency.hpp"
#include "ports/store.hpp"

namespace tps::sqlite {

// One thread at a time.
class Reader {
 public:
  // `currencies` must outlive this object. Does not open the file at `path` yet, and never creates it. `trouble`, if
  // given, hears of faults.
  Reader(std::string path, const domain::Currencies& currencies, std::shared_ptr<adapters::Trouble> trouble = nullptr);

  // The connection, ready for one short read that ends by the deadline; opened and its schema checked when it is not
  // yet.
  ports::StoreResult<Connection*> ready(ports::Deadline deadline);

  // Checks the schema anew.
  ports::StoreResult<ports::StoreIdentity> open(ports::Deadline deadline);

  // Once ready() or open() has given something.
  [[nodiscard]] const ports::StoreIdentity& identity() const { return *identity_; }

 private:
  const std::string path_;
  const domain::Currencies& currencies_;
  const std::shared_ptr<adapters::Trouble> trouble_;
  std::unique_ptr<Connection> connection_;
  std::optional<ports::StoreIdentity> identity_;
};

}  // namespace tps::sqlite
