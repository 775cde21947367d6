// Those who wait for a transaction to leave `pending` (Prefer: wait). The settling instance wakes them at once; for
// what other instances settle, one thread asks the store every 2 to 20 ms for all who wait. Thread-safe.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "domain/transaction.hpp"
#include "lanes/resumption.hpp"
#include "ports/store.hpp"

namespace tps::service {

class Waiters {
 public:
  // `session` is this object's own; it must outlive it.
  explicit Waiters(ports::Store& session);
  ~Waiters();  // stop()
  Waiters(const Waiters&) = delete;
  Waiters& operator=(const Waiters&) = delete;

  // The transaction once it is not pending; nullopt when `until` comes, draining begins, or too many wait.
  boost::asio::awaitable<std::optional<domain::Transaction>> wait(std::int64_t id, ports::Deadline until);

  // These have just been settled here. Cheap when no request waits.
  void settled(std::span<const domain::Transaction> transactions);

  // True while a request waits: settlement does not gather then.
  [[nodiscard]] bool any() const;

  // Called for each that begins to wait, under this object's lock: it must be short and not come back here. One
  // listener at most; an empty one ends it, and it is not being called any more once this has returned.
  void set_listener(std::function<void()> listener);

  // Answers all who wait, now and from now on, with nullopt. Idempotent.
  void drain();
  void stop();

 private:
  struct Waiter {
    ports::Deadline until;
    std::optional<domain::Transaction> settled;
    lanes::Resumption resumption;
  };
  using ById = std::multimap<std::int64_t, Waiter*>;

  void run();
  std::vector<std::int64_t> ids_waited_for();
  bool ask_store(std::span<const std::int64_t> ids);
  void answer_late();

  ports::Store& session_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_.
  ById waiting_;
  std::function<void()> listener_;
  bool draining_ = false;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace tps::service
