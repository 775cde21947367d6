// The history of the ledger that this process serves, as its sessions find it. A database can be put back to an earlier
// state, or another one can come to answer under its name: then ids that were final are not in the log, or are other
// transactions now. So nothing that was read is kept beyond the history that it was read from.
//
// An epoch identifies a history. The store records it, and begins another one when it is found somewhere else than it
// was, or without what its log held. A run is one life of the database server: between two of them, its files may have
// been exchanged in a way that no one can see, so caches do not outlive it.
// A generation is this process's count of both. A session that was checked for an earlier generation checks again
// before it is used; what was read for an earlier generation is not cached.
// Any thread may call.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "domain/transaction.hpp"
#include "ports/store.hpp"

namespace tps::ports {

class History {
 public:
  enum class Change : std::uint8_t {
    none,
    first,          // the first session of this process has connected
    restarted,      // the same history, and another run of the database server
    changed,        // another history of the same store
    another_store,  // another store: its sessions may not be used
  };
  struct Found {
    Change change = Change::none;
    std::uint64_t generation = 0;  // the session is good for this one
  };

  // Takes the identity that a session found when it connected, or looked again.
  Found found(const StoreIdentity& identity);

  // The log lacks what was seen in it: every session checks the store again before it is used.
  void lost();

  [[nodiscard]] std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  struct Now {
    std::uint64_t generation = 0;
    std::uint64_t epoch = 0;  // of cursors: a hash of the epoch's name; never 0 once a session has connected
    // Of entries in a shared cache: the epoch and the run, as 16 hexadecimal digits. Empty while neither is known for
    // certain; then no entry may be used.
    std::string lineage;
  };
  [[nodiscard]] Now now() const;

  // The newest transaction that was seen of a partition's log.
  struct Seen {
    std::uint32_t partition = 0;
    std::int64_t id = 0;
    domain::Timestamp created_at{};
  };
  // `generation`: what the session that saw it was good for.
  void saw(const Seen& end, std::uint64_t generation);
  // Whether a log that ends here lacks what was seen.
  [[nodiscard]] bool lacks(const Seen& end) const;
  [[nodiscard]] std::vector<Seen> seen() const;

  // Called after each change but `first`, on the thread of the session that found it. Set before sessions are used.
  using Listener = std::function<void(Change)>;
  void set_listener(Listener listener) { listener_ = std::move(listener); }

 private:
  Change take(const StoreIdentity& identity);

  std::atomic<std::uint64_t> generation_{0};
  Listener listener_;

  mutable std::mutex mutex_;
  // Under mutex_.
  std::string store_id_;
  std::string epoch_;
  std::string run_;
  Now now_;
  bool is_away_ = false;  // another store answers
  std::map<std::uint32_t, Seen> seen_;
};

}  // namespace tps::ports
