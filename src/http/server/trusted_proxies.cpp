#include "http/server/trusted_proxies.hpp"

#include <algorithm>
#include <optional>
#include <ranges>

#include "wire/ascii.hpp"

namespace tps::http {

namespace ip = boost::asio::ip;

namespace {

constexpr unsigned short kWholeV4 = 32;
constexpr unsigned short kWholeV6 = 128;

// An IPv4 address in IPv6's clothes, as a socket for both has it, is the IPv4 address.
std::optional<ip::address> read_address(std::string_view text) {
  boost::system::error_code error;
  auto address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

// In a header some proxies write the port, too: 192.0.2.7:1234, [2001:db8::7]:1234.
std::optional<ip::address> read_hop(std::string_view text) {
  if (text.starts_with('[')) return read_address(text.substr(1, text.find(']') - 1));
  if (std::ranges::count(text, ':') == 1) text = text.substr(0, text.find(':'));
  return read_address(text);
}

template <class Network, class Address>
bool contains(const Network& network, const Address& address) {
  return Network(address, network.prefix_length()).canonical() == network;
}

}  // namespace

std::expected<TrustedProxies, std::string> TrustedProxies::parse(std::string_view list) {
  TrustedProxies proxies;
  while (!wire::trim(list).empty()) {
    const std::string item(wire::next_element(list, ','));
    boost::system::error_code error;
    if (const auto whole = read_address(item)) {
      proxies.networks_.emplace_back(whole->is_v4() ? Network(ip::network_v4(whole->to_v4(), kWholeV4))
                                                    : Network(ip::network_v6(whole->to_v6(), kWholeV6)));
    } else if (const auto v4 = ip::make_network_v4(item, error); !error) {
      proxies.networks_.emplace_back(v4.canonical());
    } else if (const auto v6 = ip::make_network_v6(item, error); !error) {
      proxies.networks_.emplace_back(v6.canonical());
    } else {
      return std::unexpected("\"" + item + "\" is neither an address nor a network such as 10.0.0.0/8");
    }
  }
  return proxies;
}

bool TrustedProxies::trusts(const Address& address) const {
  return std::ranges::any_of(networks_, [&](const Network& network) {
    if (const auto* v4 = std::get_if<ip::network_v4>(&network)) {
      return address.is_v4() && contains(*v4, address.to_v4());
    }
    return address.is_v6() && contains(std::get<ip::network_v6>(network), address.to_v6());
  });
}

bool TrustedProxies::trusts(const std::string& address) const {
  const auto known = read_address(address);
  return known && trusts(*known);
}

std::string TrustedProxies::client(const std::string& peer, const Request& request) const {
  auto known = read_address(peer);
  if (!known || !trusts(*known)) return peer;
  std::vector<std::string_view> hops;
  for (const auto& [name, value] : request.headers) {
    if (!wire::equal_ignoring_case(name, "x-forwarded-for")) continue;
    for (std::string_view rest = value; !rest.empty();) hops.push_back(wire::next_element(rest, ','));
  }
  for (const std::string_view hop : hops | std::views::reverse) {
    const auto address = read_hop(hop);
    if (!address) break;
    known = address;
    if (!trusts(*address)) break;
  }
  return known->to_string();
}

}  // namespace tps::http
