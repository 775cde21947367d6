#include "adapters/host_address.hpp"

#include <fmt/format.h>
#include <netdb.h>

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

// Shared by the waiting owner and the thread, whichever lives longer.
struct HostAddress::Lookup {
  std::mutex mutex;
  std::condition_variable done;
  std::optional<Found> found;
  Deadline found_at;

  // That a name was not there says nothing about now: whoever is restarted has none for a moment.
  bool is_of_no_use() {
    const std::lock_guard lock(mutex);
    return found && (!*found || std::chrono::steady_clock::now() - found_at > kFresh);
  }
};

HostAddress::HostAddress(std::string host, std::uint16_t port)
    : HostAddress(std::move(host), port, [](const std::string& name, const std::string& service) {
        return look_up(name, service, AI_NUMERICSERV);
      }) {}

HostAddress::HostAddress(std::string host, std::uint16_t port, LookUp look_up)
    : host_(std::move(host)), port_(std::to_string(port)), look_up_(std::move(look_up)) {}

Found HostAddress::find(Deadline deadline) {
  if (auto numeric = look_up(host_, port_, AI_NUMERICHOST | AI_NUMERICSERV)) return numeric;
  if (lookup_ && lookup_->is_of_no_use()) lookup_.reset();
  if (!lookup_) {
    auto lookup = std::make_shared<Lookup>();
    try {
      std::thread([lookup, host = host_, port = port_, ask = look_up_] {
        auto found = ask(host, port);
        const std::lock_guard lock(lookup->mutex);
        lookup->found = std::move(found);
        lookup->found_at = std::chrono::steady_clock::now();
        lookup->done.notify_one();
      }).detach();
    } catch (const std::system_error& error) {
      return std::unexpected(fmt::format("{}: no thread for the lookup: {}", host_, error.what()));
    }
    lookup_ = std::move(lookup);
  }
  std::unique_lock lock(lookup_->mutex);
  if (!lookup_->done.wait_until(lock, deadline, [this] { return lookup_->found.has_value(); })) {
    return std::unexpected(fmt::format("{}: the name is still being looked up", host_));
  }
  Found found = std::move(*lookup_->found);
  lock.unlock();
  lookup_.reset();
  return found;
}

}  // namespace tps::adapters
