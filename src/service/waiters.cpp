#include "service/waiters.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tps::service {
namespace {

constexpr std::size_t kMaxWaiters = 10'000;
constexpr std::chrono::milliseconds kShortestPause{2};
constexpr std::chrono::milliseconds kLongestPause{20};
constexpr std::chrono::seconds kStoreBudget{1};

}  // namespace

Waiters::Waiters(ports::Store& session) : session_(session) {
  thread_ = std::thread([this] { run(); });
}

Waiters::~Waiters() { stop(); }

boost::asio::awaitable<std::optional<domain::Transaction>> Waiters::wait(std::int64_t id, ports::Deadline until) {
  Waiter waiter{.until = until, .settled = std::nullopt, .resumption = {}};
  {
    const std::scoped_lock lock(mutex_);
    if (draining_ || waiting_.size() >= kMaxWaiters) co_return std::nullopt;
  }
  co_await waiter.resumption.suspend([this, id, &waiter] {
    bool late = false;
    {
      const std::scoped_lock lock(mutex_);
      late = draining_;
      if (!late) waiting_.emplace(id, &waiter);
      if (!late && listener_) listener_();
    }
    if (late) {
      lanes::Resumption* const alone = &waiter.resumption;
      lanes::resume_all({&alone, 1});
    } else {
      changed_.notify_one();
    }
  });
  co_return std::move(waiter.settled);
}

void Waiters::settled(std::span<const domain::Transaction> transactions) {
  std::vector<lanes::Resumption*> answered;
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty()) return;
    for (const domain::Transaction& transaction : transactions) {
      const auto [begin, end] = waiting_.equal_range(transaction.id);
      for (auto it = begin; it != end; ++it) {
        it->second->settled = transaction;
        answered.push_back(&it->second->resumption);
      }
      waiting_.erase(begin, end);
    }
  }
  lanes::resume_all(answered);
}

bool Waiters::any() const {
  const std::scoped_lock lock(mutex_);
  return !waiting_.empty();
}

void Waiters::set_listener(std::function<void()> listener) {
  const std::scoped_lock lock(mutex_);
  listener_ = std::move(listener);
}

void Waiters::drain() {
  std::vector<lanes::Resumption*> answered;
  {
    const std::scoped_lock lock(mutex_);
    draining_ = true;
    for (const auto& [_, waiter] : waiting_) answered.push_back(&waiter->resumption);
    waiting_.clear();
  }
  lanes::resume_all(answered);
}

void Waiters::stop() {
  drain();
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Waiters::run() {
  auto pause = kShortestPause;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      changed_.wait_for(lock, pause, [this] { return stopping_; });
      if (stopping_) return;
    }
    answer_late();
    const std::vector<std::int64_t> ids = ids_waited_for();
    const bool progress = !ids.empty() && ask_store(ids);
    pause = progress ? kShortestPause : std::min(pause * 2, kLongestPause);
  }
}

std::vector<std::int64_t> Waiters::ids_waited_for() {
  const std::scoped_lock lock(mutex_);
  std::vector<std::int64_t> ids;
  for (const auto& [id, _] : waiting_) {
    if (ids.empty() || ids.back() != id) ids.push_back(id);
  }
  return ids;
}

bool Waiters::ask_store(std::span<const std::int64_t> ids) {
  const auto found = session_.find(ids, std::chrono::steady_clock::now() + kStoreBudget);
  if (!found) return false;
  std::vector<domain::Transaction> done;
  for (const auto& transaction : *found) {
    if (transaction && transaction->status != domain::Status::pending) done.push_back(*transaction);
  }
  settled(done);
  return !done.empty();
}

void Waiters::answer_late() {
  std::vector<lanes::Resumption*> answered;
  {
    const auto now = std::chrono::steady_clock::now();
    const std::scoped_lock lock(mutex_);
    std::erase_if(waiting_, [&](const auto& entry) {
      if (entry.second->until > now) return false;
      answered.push_back(&entry.second->resumption);
      return true;
    });
  }
  lanes::resume_all(answered);
}

}  // namespace tps::service
