// The answer to a request that made a transaction, which several routes share.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>

#include "http/api/call.hpp"
#include "http/headers/message.hpp"
#include "service/transactions.hpp"

namespace tps::http {

// With `Prefer: wait=N`, waits until the transaction is no longer pending or the time has passed. Returns the accepted
// waiting time for Preference-Applied; nullopt if the client did not ask, too many requests wait already, or this
// instance is shutting down. All references must outlive the coroutine.
boost::asio::awaitable<std::optional<std::chrono::seconds>> wait_as_preferred(service::Submitted& submitted,
                                                                              const Call& call);

// 201 with Location and the transaction.
Response created(const service::Submitted& submitted, std::optional<std::chrono::seconds> waited,
                 const Services& services);

std::string location_of(const domain::Transaction& transaction);

}  // namespace tps::http
