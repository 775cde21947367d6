#include "http/server/endpoint.hpp"

#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <cstdint>

namespace tps::http {

std::expected<Endpoint, std::string> parse_endpoint(std::string_view text) {
  const auto bad =
      std::unexpected("'" + std::string(text) + "' is not ADDRESS:PORT, such as 127.0.0.1:8000 or [::1]:8000");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (fault != std::errc{} || end != digits.data() + digits.size()) return bad;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host == "localhost" ? "127.0.0.1" : std::string(host), error);
  if (error || address.is_v6() != bracketed) return bad;
  return Endpoint(address, port);
}

std::string text_of(const Endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

}  // namespace tps::http
