// The one table of what can be asked.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "auth/scope.hpp"
#include "http/api/call.hpp"
#include "http/headers/message.hpp"

namespace tps::http {

// A handler that waits for something is a coroutine; one that does not is a function.
using Handler = std::variant<Response (*)(const Call&), ResponseTask (*)(Call)>;

struct Route {
  Method method;
  std::string_view path_template;  // at most kMaxParameters {parameters}, each a whole segment
  std::size_t max_body_bytes;
  Handler handler;
  std::optional<auth::Scope> scope;  // scope that the caller must have; nullopt: none
};

// GET routes answer HEAD too. A path belongs to the first template that it fits, so "/transactions/batch" stands before
// "/transactions/{id}".
std::span<const Route> routes();

// The routes of a process that serves no clients: /health, /readiness and /metrics.
std::span<const Route> worker_routes();

// Whether it is one of those: what an instance goes on answering when it has too many clients.
bool for_operators(std::string_view path);

std::string_view method_name(Method method);

// If `path` fits: the segments that stand for the {parameters}, none of them empty.
std::optional<Parameters> match(std::string_view path_template, std::string_view path);

}  // namespace tps::http
