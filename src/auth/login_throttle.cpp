#include "auth/login_throttle.hpp"

namespace tps::auth {
namespace {

constexpr std::chrono::seconds kPerClient{1};
constexpr std::uint32_t kClientBurst = 20;
constexpr std::chrono::seconds kPerName{10};
constexpr std::uint32_t kNameBurst = 5;

std::string both(const std::string& client, const std::string& name) { return client + ' ' + name; }

}  // namespace

LoginThrottle::LoginThrottle() : by_client_(kPerClient, kClientBurst), by_name_(kPerName, kNameBurst) {}

std::optional<std::chrono::seconds> LoginThrottle::wait(const std::string& client, const std::string& name) {
  const auto now = std::chrono::steady_clock::now();
  for (const auto& decision : {by_client_.look(client, now), by_name_.look(both(client, name), now)}) {
    if (!decision.allowed) return decision.retry_after;
  }
  return std::nullopt;
}

void LoginThrottle::failed(const std::string& client, const std::string& name) {
  const auto now = std::chrono::steady_clock::now();
  by_client_.take(client, now);
  by_name_.take(both(client, name), now);
}

}  // namespace tps::auth
