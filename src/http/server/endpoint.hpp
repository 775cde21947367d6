// The address and port on which a server listens.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <expected>
#include <string>
#include <string_view>

namespace tps::http {

using Endpoint = boost::asio::ip::tcp::endpoint;

// "127.0.0.1:8000", "localhost:8000" or "[::1]:8000". The error is a sentence for people.
std::expected<Endpoint, std::string> parse_endpoint(std::string_view text);

// The reverse of parse_endpoint(); "localhost" is gone.
std::string text_of(const Endpoint& endpoint);

}  // namespace tps::http
