// How many connections are open, in all threads, and how many of one client.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tps::http {

// How a connection has entered.
struct Slot {
  bool spare = false;  // see ServerOptions
  std::string client;  // the client that it counts for; "": none
};

class Connections {
 public:
  struct Limits {
    std::size_t all;
    std::size_t spare;       // above that
    std::size_t per_client;  // 0 for none
  };
  explicit Connections(Limits limits) : limits_(limits) {}

  // False when a limit is reached. The spare places are few and count for no client.
  bool enter(const Slot& as) {
    const std::scoped_lock lock(mutex_);
    std::size_t& taken = as.spare ? spare_ : regular_;
    if (taken >= (as.spare ? limits_.spare : limits_.all)) return false;
    if (limits_.per_client > 0 && !as.client.empty()) {
      std::size_t& own = of_client_[as.client];
      if (own >= limits_.per_client) return false;
      ++own;
    }
    ++taken;
    return true;
  }

  void leave(const Slot& as) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = of_client_.find(as.client); found != of_client_.end() && --found->second == 0) {
      of_client_.erase(found);
    }
    --(as.spare ? spare_ : regular_);
    if (regular_ + spare_ == 0) none_.notify_all();
  }

  // True once there are none.
  bool wait_for_none(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return none_.wait_for(lock, limit, [this] { return regular_ + spare_ == 0; });
  }

 private:
  const Limits limits_;
  std::mutex mutex_;
  // Under mutex_.
  std::condition_variable none_;
  std::size_t regular_ = 0;
  std::size_t spare_ = 0;
  std::unordered_map<std::string, std::size_t> of_client_;  // those with any
};

}  // namespace tps::http
