#include "http/api.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "http/auth.hpp"
#include "http/problem.hpp"
#include "ops/log.hpp"

namespace tps::http {
namespace {

constexpr std::string_view kUnmatched = "unmatched";
constexpr std::size_t kUnmatchedBody = 64 * 1024;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// 503 is the normal answer to too much work; 500 and 504 are for somebody to look at.
void log_answer(const Request& request, const Response& response) {
  const bool alarming = response.status == 500 || response.status == 504;
  const ops::Level level = alarming ? ops::Level::warn : ops::Level::debug;
  if (!ops::log_enabled(level)) return;
  ops::log(level, "request",
           {{"request_id", request.request_id},
            {"method", request.method_text},
            {"path", request.path},
            {"status", std::to_string(response.status)},
            {"remote", request.remote_address}});
}

}  // namespace

Api::Api(ApiOptions options, service::Transactions& transactions, const domain::Currencies& currencies,
         ops::Metrics& metrics, Readiness readiness)
    : services_{options, transactions, currencies, metrics, std::move(readiness)} {
  for (const Route& route : routes()) {
    const std::string endpoint(route.path_template);
    ops::RouteMetrics* head = route.method == Method::get ? &metrics.route("HEAD", endpoint) : nullptr;
    entries_.push_back({&route, &metrics.route(std::string(method_name(route.method)), endpoint), head});
  }
  for (std::size_t i = 0; i < unmatched_.size(); ++i) {
    unmatched_[i] = &metrics.route(std::string(method_name(static_cast<Method>(i))), std::string(kUnmatched));
  }
}

boost::asio::awaitable<Response> Api::handle(Request& request) {
  request.deadline = request.received_at + services_.options.request_timeout;
  const Match found = find(request.method, request.path);
  Response response;
  bool failed = false;
  try {
    if (found.entry == nullptr) {
      response = answer_unmatched(request);
    } else if (const auto caller = authorise(request, found.entry->route->scope); !caller) {
      response = problem(caller.error(), request);
    } else {
      const Call call{services_, request, caller->get(), found.parameter};
      const Handler& handler = found.entry->route->handler;
      if (const auto* function = std::get_if<Response (*)(const Call&)>(&handler)) {
        response = (*function)(call);
      } else {
        response = co_await std::get<ResponseTask (*)(Call)>(handler)(call);
      }
    }
  } catch (const std::exception& error) {
    failed = true;
    ops::log(ops::Level::error, "a handler failed", {{"request_id", request.request_id}, {"what", error.what()}});
  }
  if (failed) response = problem({domain::ErrorCode::internal_error, {}}, request);
  metrics_of(found, request).observe(response.status, seconds_since(request.received_at));
  log_answer(request, response);
  co_return response;
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
  for (const Entry& entry : entries_) {
    if (entry.route->method != wanted) continue;
    if (const auto parameter = match(entry.route->path_template, path)) return {&entry, *parameter};
  }
  return {};
}

// No route has this method and path; perhaps one has the path.
Response Api::answer_unmatched(const Request& request) {
  std::string allowed = request.path == "*" ? "GET, HEAD, POST, OPTIONS" : allowed_methods(request.path);
  if (allowed.empty()) return problem({domain::ErrorCode::not_found, {}}, request);
  Response response;
  if (request.method == Method::options) {
    response.status = 204;
  } else {
    response = problem({domain::ErrorCode::method_not_allowed, {}}, request);
  }
  response.headers.emplace_back("Allow", std::move(allowed));
  return response;
}

ops::RouteMetrics& Api::metrics_of(const Match& found, const Request& request) {
  if (found.entry != nullptr)
    return request.method == Method::head ? *found.entry->head_metrics : *found.entry->metrics;
  for (const Route& route : routes()) {
    if (!match(route.path_template, request.path)) continue;
    return services_.metrics.route(std::string(method_name(request.method)), std::string(route.path_template));
  }
  return *unmatched_[static_cast<std::size_t>(request.method)];
}

}  // namespace tps::http
