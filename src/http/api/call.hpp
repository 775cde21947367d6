// One request on its way through a route.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <string_view>

#include "domain/caller.hpp"
#include "http/api/services.hpp"
#include "http/headers/message.hpp"

namespace tps::http {

// The segments of a path that stand for the {parameters} of its template, in their order, not decoded.
inline constexpr std::size_t kMaxParameters = 2;
using Parameters = std::array<std::string_view, kMaxParameters>;

// All of it outlives the handler's coroutine.
struct Call {
  const Services& services;
  const Request& request;
  const domain::Caller& caller;
  const Parameters parameters;
};

using ResponseTask = boost::asio::awaitable<Response>;

}  // namespace tps::http
