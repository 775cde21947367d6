// The shared cache. See fault.hpp for the rules that every port keeps.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/transaction.hpp"
#include "ports/fault.hpp"

namespace tps::ports {

// A shared cache of final transactions. It can be slow, down, full, wrong or hostile: everything that is not
// exactly what put() stored, for this store, schema and lineage, with a valid MAC, is a miss. Never an error. The
// lineage (History::Now) says which history of the store a transaction is of.
class Cache {
 public:
  Cache() = default;
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  virtual ~Cache() = default;

  // One answer per id, in order; nullopt on a miss.
  virtual std::vector<std::optional<domain::Transaction>> get(std::string_view lineage,
                                                              std::span<const std::int64_t> ids, Deadline deadline) = 0;

  // Stores final transactions (others are a bug) for an hour; best effort.
  virtual void put(std::string_view lineage, std::span<const domain::Transaction* const> transactions,
                   Deadline deadline) = 0;

  // Whether it can be read and written right now; one sentence for operators if not.
  virtual std::optional<std::string> trouble(Deadline deadline) = 0;

  // Asks again if there was trouble when the cache was last used, so that its end is noticed without any traffic.
  virtual void look_again(Deadline deadline) = 0;

  // False while the circuit breaker is open: callers need not queue for it. Any thread may ask.
  [[nodiscard]] virtual bool available() const = 0;
};

}  // namespace tps::ports
