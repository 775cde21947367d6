// Who is calling. For now everyone is welcome and anonymous; every request passes here all the same.
#pragma once

#include <expected>
#include <string_view>

#include "domain/error.hpp"
#include "http/message.hpp"
#include "service/transactions.hpp"

namespace tps::http {

// The caller, if the request may use a route of this scope. The reference lives as long as the request.
std::expected<std::reference_wrapper<const service::Caller>, domain::Error> authorise(const Request& request,
                                                                                      std::string_view scope);

}  // namespace tps::http
