// How many connections are open, in all threads, and how many of one client.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tps::http {

class Connections {
 public:
  struct Limits {
    std::size_t all;
    std::size_t spare;       // above that
    std::size_t per_client;  // 0 for none
  };
  explicit Connections(Limits limits) : limits_(limits) {}

  // False when a limit is reached. `client` is whom to count it for, "" for nobody; leave() must be told the same.
  bool enter(const std::string& client) { return enter_below(limits_.all, client); }

  // The same with the spare places.
  bool enter_spare() { return enter_below(limits_.all + limits_.spare, {}); }

  void leave(const std::string& client) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = of_client_.find(client); found != of_client_.end() && --found->second == 0) {
      of_client_.erase(found);
    }
    if (--count_ == 0) none_.notify_all();
  }

  // True once there are none.
  bool wait_for_none(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return none_.wait_for(lock, limit, [this] { return count_ == 0; });
  }

 private:
  bool enter_below(std::size_t limit, const std::string& client) {
    const std::scoped_lock lock(mutex_);
    if (count_ >= limit) return false;
    if (limits_.per_client > 0 && !client.empty()) {
      std::size_t& own = of_client_[client];
      if (own >= limits_.per_client) return false;
      ++own;
    }
    ++count_;
    return true;
  }

  const Limits limits_;
  std::mutex mutex_;
  // Under mutex_.
  std::condition_variable none_;
  std::size_t count_ = 0;
  std::unordered_map<std::string, std::size_t> of_client_;  // those with any
};

// How a connection has entered.
struct Admission {
  bool spare = false;  // see ServerOptions
  std::string client;  // see Connections::enter
};

}  // namespace tps::http
