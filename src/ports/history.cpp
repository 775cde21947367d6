#include "ports/history.hpp"

#include "ports/sha256.hpp"

namespace tps::ports {
namespace {

constexpr std::size_t kLineageBytes = 8;

std::string hexadecimal(const Sha256& hash, std::size_t bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) {
    text += kDigits[hash.at(i) >> 4];
    text += kDigits[hash.at(i) & 15];
  }
  return text;
}

std::uint64_t number_of(const Sha256& hash) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = (number << 8) | hash.at(i);
  return number == 0 ? 1 : number;
}

}  // namespace

History::Found History::found(const StoreIdentity& identity) {
  Found found;
  {
    const std::scoped_lock lock(mutex_);
    const bool was_away = is_away_;
    found.change = take(identity);
    const bool is_news = found.change != Change::none && (found.change != Change::another_store || !was_away);
    if (is_news) generation_.fetch_add(1, std::memory_order_acq_rel);
    found.generation = generation();
    if (!is_news) return found;
  }
  if (listener_ && found.change != Change::first) listener_(found.change);
  return found;
}

// Under mutex_.
History::Change History::take(const StoreIdentity& identity) {
  const bool is_first = store_id_.empty();
  if (is_first) store_id_ = identity.store_id;
  if (identity.store_id != store_id_) {
    is_away_ = true;
    now_.lineage.clear();
    return Change::another_store;
  }
  const bool same_epoch = identity.epoch == epoch_;
  const bool is_same = same_epoch && identity.run == run_ && !is_away_ && !is_first;
  if (!same_epoch) seen_.clear();
  is_away_ = false;
  epoch_ = identity.epoch;
  run_ = identity.run;
  now_.epoch = number_of(sha256(epoch_));
  now_.lineage = hexadecimal(sha256(epoch_ + "/" + run_), kLineageBytes);
  if (is_same) return Change::none;
  if (is_first) return Change::first;
  return same_epoch ? Change::restarted : Change::changed;
}

void History::lost() {
  const std::scoped_lock lock(mutex_);
  now_.lineage.clear();
  generation_.fetch_add(1, std::memory_order_acq_rel);
}

History::Now History::now() const {
  const std::scoped_lock lock(mutex_);
  Now now = now_;
  now.generation = generation();
  return now;
}

void History::saw(const Seen& end, std::uint64_t generation) {
  const std::scoped_lock lock(mutex_);
  if (generation != this->generation()) return;
  const auto [place, is_first] = seen_.try_emplace(end.partition, end);
  if (!is_first && place->second.id < end.id) place->second = end;
}

bool History::lacks(const Seen& end) const {
  const std::scoped_lock lock(mutex_);
  const auto place = seen_.find(end.partition);
  if (place == seen_.end()) return false;
  const Seen& known = place->second;
  return known.id > end.id || (known.id == end.id && known.created_at != end.created_at);
}

std::vector<History::Seen> History::seen() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Seen> all;
  for (const auto& [_, end] : seen_) all.push_back(end);
  return all;
}

}  // namespace tps::ports
