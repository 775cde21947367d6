#include "adapters/postgres/hosts.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace tps::postgres {
namespace {

constexpr std::uint16_t kAnyPort = 0;  // libpq has the port; only the address is wanted

std::string* value_of(Keywords& keywords, std::string_view name) {
  const auto found = std::ranges::find(keywords, name, &Keywords::value_type::first);
  return found == keywords.end() || found->second.empty() ? nullptr : &found->second;
}

// "a,b" and as many ports, or one port for all.
struct Lists {
  std::string host;
  std::string hostaddr;
  std::string port;

  void add(const std::string& one_host, const std::string& address, const std::string& one_port) {
    const char* separator = empty ? "" : ",";
    host += separator + one_host;
    hostaddr += separator + address;
    port += separator + one_port;
    empty = false;
  }
  bool empty = true;
};

bool is_name(std::string_view host) { return !host.empty() && !host.starts_with('/') && !host.starts_with('@'); }

}  // namespace

std::expected<Keywords, std::string> Hosts::resolve(Keywords keywords, adapters::HostAddress::Deadline deadline) {
  const std::string* hosts = value_of(keywords, "host");
  if (hosts == nullptr || value_of(keywords, "hostaddr") != nullptr) return keywords;
  const std::vector<std::string> names = items_of(*hosts);
  const std::string* port = value_of(keywords, "port");
  const std::vector<std::string> ports = port == nullptr ? std::vector<std::string>{""} : items_of(*port);
  Lists found;
  std::string trouble;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& one_port = ports[ports.size() == names.size() ? i : 0];
    if (!is_name(names[i])) {
      found.add(names[i], "", one_port);
      continue;
    }
    // No name may use up the time of those behind it.
    const auto now = std::chrono::steady_clock::now();
    const auto share = (deadline - now) / static_cast<std::int64_t>(names.size() - i + 1);
    const auto addresses = names_.try_emplace(names[i], names[i], kAnyPort).first->second.find(now + share);
    if (!addresses) trouble = addresses.error();
    if (!addresses) continue;
    for (const adapters::SocketAddress& address : *addresses) found.add(names[i], address.text(), one_port);
  }
  if (found.empty) return std::unexpected(std::move(trouble));
  std::erase_if(keywords, [](const auto& entry) {
    return entry.first == "host" || entry.first == "hostaddr" || entry.first == "port";
  });
  keywords.emplace_back("host", std::move(found.host));
  keywords.emplace_back("hostaddr", std::move(found.hostaddr));
  keywords.emplace_back("port", std::move(found.port));
  return keywords;
}

}  // namespace tps::postgres
