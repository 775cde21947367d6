#include "adapters/host_address.hpp"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace tps::adapters {
namespace {

using Found = HostAddress::Found;

// Where a name led to that long ago is still worth a try.
constexpr std::chrono::seconds kFresh{2};
// One that takes longer gets another beside it, up to so many.
constexpr std::chrono::milliseconds kPatience{400};
constexpr int kMostUnderWay = 4;

Found look_up(const std::string& host, const std::string& port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  if (error != 0) return std::unexpected(fmt::format("{}: {}", host, gai_strerror(error)));
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    addresses.push_back(address);
  }
  freeaddrinfo(list);
  return addresses;
}

}  // namespace

std::string SocketAddress::text() const {
  char host[NI_MAXHOST];
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  if (getnameinfo(address, size, host, sizeof host, nullptr, 0, NI_NUMERICHOST) != 0) return {};
  return host;
}

// Shared by the waiting owner and the threads, whichever lives longest. All under the mutex.
struct HostAddress::LookUps {
  std::mutex mutex;
  std::condition_variable done;
  int under_way = 0;
  std::uint64_t newest = 0;  // its number
  Deadline newest_began;
  std::optional<Found> found;
  Deadline found_at;

  // That a name was not there says nothing about now: a host that restarts has none for a moment.
  void forget_what_is_of_no_use() {
    if (found && (!*found || std::chrono::steady_clock::now() - found_at > kFresh)) found.reset();
  }

  void end(std::uint64_t number, Found answer) {
    const std::lock_guard lock(mutex);
    --under_way;
    // Only the newest answer may say that there is no host.
    if (!answer && number != newest) return;
    found = std::move(answer);
    found_at = std::chrono::steady_clock::now();
    done.notify_one();
  }
};

HostAddress::HostAddress(std::string host, std::uint16_t port)
    : HostAddress(std::move(host), port, [](const std::string& name, const std::string& service) {
        return look_up(name, service, AI_NUMERICSERV);
      }) {}

HostAddress::HostAddress(std::string host, std::uint16_t port, LookUp look_up)
    : host_(std::move(host)),
      port_(std::to_string(port)),
      look_up_(std::move(look_up)),
      look_ups_(std::make_shared<LookUps>()) {}

Found HostAddress::find(Deadline deadline) {
  if (auto numeric = look_up(host_, port_, AI_NUMERICHOST | AI_NUMERICSERV)) return numeric;
  std::unique_lock lock(look_ups_->mutex);
  look_ups_->forget_what_is_of_no_use();
  while (!look_ups_->found) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return std::unexpected(fmt::format("{}: the name is still being looked up", host_));
    const bool is_slow = now >= look_ups_->newest_began + kPatience;
    if (look_ups_->under_way == 0 || (is_slow && look_ups_->under_way < kMostUnderWay)) {
      if (!ask()) return std::unexpected(fmt::format("{}: no thread for the lookup", host_));
    }
    const bool all_asked = look_ups_->under_way == kMostUnderWay;
    look_ups_->done.wait_until(lock, all_asked ? deadline : std::min(deadline, look_ups_->newest_began + kPatience));
  }
  return *std::exchange(look_ups_->found, std::nullopt);
}

// Under the mutex. False: there is no thread for it.
bool HostAddress::ask() {
  const std::uint64_t number = look_ups_->newest + 1;
  try {
    std::thread([look_ups = look_ups_, number, host = host_, port = port_, ask = look_up_] {
      look_ups->end(number, ask(host, port));
    }).detach();
  } catch (const std::system_error&) {
    return false;
  }
  look_ups_->newest = number;
  look_ups_->newest_began = std::chrono::steady_clock::now();
  ++look_ups_->under_way;
  return true;
}

}  // namespace tps::adapters
