// Which proxies are believed when they say for whom they ask.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/headers/message.hpp"

namespace tps::http {

// Immutable; any thread may call.
class TrustedProxies {
 public:
  // "10.0.0.0/8, 192.0.2.7, fd00::/8"; "" for none. The error is a sentence.
  static std::expected<TrustedProxies, std::string> parse(std::string_view list);

  [[nodiscard]] bool empty() const { return networks_.empty(); }

  // Whether this address is one.
  [[nodiscard]] bool trusts(const std::string& address) const;

  // The client of a request that came from `peer`: the last address in X-Forwarded-For that is not itself a trusted
  // proxy, if `peer` is one; else `peer`. Any client could have written the addresses before it.
  [[nodiscard]] std::string client(const std::string& peer, const Request& request) const;

 private:
  using Address = boost::asio::ip::address;
  using Network = std::variant<boost::asio::ip::network_v4, boost::asio::ip::network_v6>;

  [[nodiscard]] bool trusts(const Address& address) const;

  std::vector<Network> networks_;
};

}  // namespace tps::http
