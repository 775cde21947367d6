#include "http/api/api.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "http/api/admission.hpp"
#include "http/api/answers.hpp"
#include "http/headers/trace_context.hpp"
#include "ops/log.hpp"

namespace tps::http {
namespace {

constexpr std::string_view kUnmatched = "unmatched";
constexpr std::size_t kUnmatchedBody = 64 * 1024;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// 503 is the normal answer to too much work; 500 and 504 need an operator's attention, and so does a sampled trace.
// Every client can mark its trace as sampled, and a flood of lines would bury others, so only those of admitted callers
// are logged.
void log_answer(const Request& request, const Response& response) {
  const bool alarming = response.status == 500 || response.status == 504;
  const ops::Level quiet = request.admitted && is_sampled(request) ? ops::Level::info : ops::Level::debug;
  const ops::Level level = alarming ? ops::Level::warn : quiet;
  if (!ops::log_enabled(level)) return;
  ops::log(level, "request",
           {{"request_id", request.request_id},
            {"method", request.method_text},
            {"path", request.path},
            {"status", std::to_string(response.status)},
            {"remote", request.remote_address},
            {"trace_id", trace_id(request)},
            {"span_id", span_id(request)}});
}

// A handler that may do without admission; null for the others.
const auto* plain_function(const Route& route) {
  return route.scope ? nullptr : std::get_if<Response (*)(const Call&)>(&route.handler);
}

constexpr std::string_view kAllowEnd = "OPTIONS";

std::string allow_entry(Method method) {
  return std::string(method_name(method)) + (method == Method::get ? ", HEAD, " : ", ");
}

}  // namespace

Api::Api(std::span<const Route> table, Services services) : services_(std::move(services)) {
  for (const Route& route : table) add(route);
  for (const Method method : {Method::get, Method::post, Method::put}) {
    if (std::ranges::find(table, method, &Route::method) != table.end()) allow_ += allow_entry(method);
  }
  allow_ += kAllowEnd;
  for (Path& path : paths_) path.allow += kAllowEnd;
  for (std::size_t i = 0; i < unmatched_.size(); ++i) {
    unmatched_[i] = &services_.metrics.route(std::string(method_name(static_cast<Method>(i))), std::string(kUnmatched));
  }
}

void Api::add(const Route& route) {
  auto path = std::ranges::find(paths_, route.path_template, &Path::path_template);
  if (path == paths_.end()) path = paths_.insert(path, {route.path_template, {}, {}});
  const std::string endpoint(route.path_template);
  ops::RouteMetrics* head = route.method == Method::get ? &services_.metrics.route("HEAD", endpoint) : nullptr;
  path->entries.push_back({&route, &services_.metrics.route(std::string(method_name(route.method)), endpoint), head});
  path->allow += allow_entry(route.method);
}

boost::asio::awaitable<Response> Api::handle(Request& request) {
  request.deadline = request.received_at + services_.options.request_timeout;
  const Match found = find(request.method, request.path);
  Response response;
  try {
    if (found.entry == nullptr) {
      response = answer_unmatched(found, request);
    } else if (const auto* function = plain_function(*found.entry->route)) {
      // Needs no store, and must stay reachable for operators under any load.
      response = (*function)({services_, request, anonymous()->caller, found.parameters});
    } else {
      response = co_await run(*found.entry->route, found.parameters, request);
    }
  } catch (const std::exception& error) {
    response = failed(error, request);
  }
  end(found, request, response);
  co_return response;
}

boost::asio::awaitable<std::optional<Response>> Api::refuse_early(Request& request) {
  request.deadline = request.received_at + services_.options.request_timeout;
  const Match found = find(request.method, request.path);
  if (found.entry == nullptr || !found.entry->route->scope) co_return std::nullopt;
  std::optional<Response> refusal;
  try {
    auto admitted = co_await admit(*found.entry->route, request);
    if (!admitted) refusal = std::move(admitted.error());
  } catch (const std::exception& error) {
    refusal = failed(error, request);
  }
  if (refusal) end(found, request, *refusal);
  co_return refusal;
}

Response Api::failed(const std::exception& error, const Request& request) {
  ops::log(ops::Level::error, "a handler failed",
           {{"request_id", request.request_id},
            {"what", error.what()},
            {"trace_id", trace_id(request)},
            {"span_id", span_id(request)}});
  return problem({domain::ErrorCode::internal_error, {}}, request);
}

void Api::end(const Match& found, const Request& request, const Response& response) {
  metrics_of(found, request).observe(response.status, seconds_since(request.received_at));
  log_answer(request, response);
}

// Decides whether the caller may use the route. The error is the response.
boost::asio::awaitable<std::expected<auth::SharedPrincipal, Response>> Api::admit(const Route& route,
                                                                                  Request& request) {
  const Access& access = services_.access;
  if (const auto refused = limit_address(access, request)) co_return std::unexpected(limited(*refused, request));
  if (const auto foreign = foreign_page(access, request)) co_return std::unexpected(problem(*foreign, request));
  if (access.gate == nullptr || !route.scope) co_return anonymous();
  auto principal = co_await authorise(*access.gate, request, *route.scope);
  if (!principal) co_return std::unexpected(problem(principal.error(), request));
  co_return std::move(*principal);
}

// The one way to a handler that does something.
boost::asio::awaitable<Response> Api::run(const Route& route, const Parameters& parameters, Request& request) {
  auto principal = co_await admit(route, request);
  if (!principal) co_return std::move(principal.error());
  request.admitted = route.scope.has_value();
  PrincipalLimit limit;
  Response response;
  // A login request has no principal yet; it is not charged to the limit of anonymous callers.
  const auto refused = route.scope ? limit.take(services_.access, **principal) : std::nullopt;
  if (refused) {
    response = limited(*refused, request);
  } else {
    const Call call{services_, request, (*principal)->caller, parameters};
    response = co_await std::get<ResponseTask (*)(Call)>(route.handler)(call);
  }
  limit.add_headers(response);
  co_return response;
}

Response Api::limited(const domain::Error& error, const Request& request) const {
  services_.metrics.requests_limited.Increment();
  return problem(error, request);
}

Response Api::refuse(const domain::Error& error, const Request& request) {
  Response response = problem(error, request);
  unmatched_[static_cast<std::size_t>(Method::other)]->observe(response.status, seconds_since(request.received_at));
  log_answer(request, response);
  return response;
}

std::size_t Api::body_limit(Method method, std::string_view path) const {
  const Match found = find(method, path);
  return found.entry == nullptr ? kUnmatchedBody : found.entry->route->max_body_bytes;
}

Api::Match Api::find(Method method, std::string_view path) const {
  const Method wanted = method == Method::head ? Method::get : method;
  for (const Path& candidate : paths_) {
    const auto parameters = match(candidate.path_template, path);
    if (!parameters) continue;
    for (const Entry& entry : candidate.entries) {
      if (entry.route->method == wanted) return {&candidate, &entry, *parameters};
    }
    return {&candidate, nullptr, *parameters};
  }
  return {};
}

// "No such route: GET /x"; a path that only ends with a slash too many is told where to go.
domain::Error Api::no_route(const Request& request) const {
  constexpr std::size_t kMostShown = 200;
  std::string detail = "No such route: ";
  detail += method_name(request.method);
  detail += ' ';
  detail += request.path.substr(0, kMostShown);
  std::string_view shorter = request.path;
  while (shorter.size() > 1 && shorter.ends_with('/')) shorter.remove_suffix(1);
  if (shorter.size() < request.path.size() && shorter.size() <= kMostShown &&
      find(request.method, shorter).path != nullptr) {
    detail += "; did you mean ";
    detail += shorter;
    detail += '?';
  }
  return {domain::ErrorCode::not_found, std::move(detail)};
}

// No route has this method and path; perhaps one has the path.
Response Api::answer_unmatched(const Match& found, const Request& request) const {
  const bool is_server = request.path == "*";
  if (found.path == nullptr && !is_server) return problem(no_route(request), request);
  Response response;
  if (request.method == Method::options) {
    response.status = 204;
  } else {
    response = problem({domain::ErrorCode::method_not_allowed, {}}, request);
  }
  response.headers.emplace_back("Allow", is_server ? allow_ : found.path->allow);
  return response;
}

ops::RouteMetrics& Api::metrics_of(const Match& found, const Request& request) {
  if (found.entry != nullptr) {
    return request.method == Method::head ? *found.entry->head_metrics : *found.entry->metrics;
  }
  if (found.path != nullptr) {
    return services_.metrics.route(std::string(method_name(request.method)), std::string(found.path->path_template));
  }
  return *unmatched_[static_cast<std::size_t>(request.method)];
}

}  // namespace tps::http
