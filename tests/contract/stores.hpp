// The stores under test. Each maker returns an empty store of its own.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "domain/currency.hpp"
#include "ports/audit.hpp"
#include "ports/key_registry.hpp"
#include "ports/store.hpp"

namespace tps::contract {

class TestStore {
 public:
  TestStore() = default;
  TestStore(const TestStore&) = delete;
  TestStore& operator=(const TestStore&) = delete;
  virtual ~TestStore() = default;

  virtual std::unique_ptr<ports::Store> session(const domain::Currencies& currencies) = 0;

  virtual std::unique_ptr<ports::KeyRegistry> keys(const domain::Currencies& currencies) = 0;

  // The reader that `tps verify` uses for this store; nullptr if there is none.
  virtual std::unique_ptr<ports::Audit> audit(const domain::Currencies& currencies) = 0;

  // Like `tps migrate`. The store is empty, without a schema, before the first call.
  virtual std::expected<void, std::string> migrate(std::uint32_t partitions) = 0;

  // As after a restart of the program: no session may be open.
  virtual void reopen() = 0;

  // One statement as an operator could type it, past the program; the first column of the first row ("" without one),
  // or what the database says against it.
  virtual std::expected<std::string, std::string> sql(const std::string& statement) = 0;
};

struct StoreMaker {
  std::string name;
  std::function<std::unique_ptr<TestStore>()> make;
};

std::vector<StoreMaker> database_makers();  // those that understand SQL
std::vector<StoreMaker> store_makers();     // and the memory store

// For GoogleTest's messages.
inline void PrintTo(const StoreMaker& maker, std::ostream* out) { *out << maker.name; }

}  // namespace tps::contract
