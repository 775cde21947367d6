#include "http/routes.hpp"

#include <algorithm>
#include <vector>

#include "http/pages.hpp"

namespace tps::http {
namespace {

constexpr std::size_t kNoBody = 64 * 1024;  // read and ignored
constexpr std::size_t kSingleBody = 1024 * 1024;
constexpr std::size_t kBatchBody = 16 * 1024 * 1024;

std::vector<Route> make_routes() {
  std::vector<Route> table{
      {Method::post, "/transactions", kSingleBody, create_transaction, "transactions:write"},
      {Method::get, "/transactions/{id}", kNoBody, get_transaction, "transactions:read"},
      {Method::get, "/health", kNoBody, health, ""},
      {Method::post, "/transactions/batch", kBatchBody, create_batch, "transactions:write"},
      {Method::get, "/transactions", kNoBody, list_transactions, "transactions:read"},
      {Method::get, "/users/{id}/balances", kNoBody, get_balances, "balances:read"},
      {Method::get, "/readiness", kNoBody, readiness, ""},
      {Method::get, "/metrics", kNoBody, metrics, ""},
  };
  for (const Page& entry : pages()) table.push_back({Method::get, entry.path, kNoBody, page, ""});
  return table;
}

}  // namespace

std::span<const Route> routes() {
  static const std::vector<Route> kTable = make_routes();
  return kTable;
}

std::string_view method_name(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::delete_:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      break;
  }
  return "OTHER";
}

namespace {

// "/transactions/batch" is not a transaction that is called "batch".
bool is_literal(std::string_view path) {
  return std::ranges::any_of(routes(), [&](const Route& route) { return route.path_template == path; });
}

}  // namespace

std::optional<std::string_view> match(std::string_view path_template, std::string_view path) {
  const std::size_t open = path_template.find('{');
  if (open == std::string_view::npos) {
    return path == path_template ? std::optional(std::string_view{}) : std::nullopt;
  }
  const std::string_view before = path_template.substr(0, open);
  const std::string_view after = path_template.substr(path_template.find('}') + 1);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) {
    return std::nullopt;
  }
  const std::string_view segment = path.substr(before.size(), path.size() - before.size() - after.size());
  return segment.find('/') == std::string_view::npos && !is_literal(path) ? std::optional(segment) : std::nullopt;
}

std::string allowed_methods(std::string_view path) {
  std::string allowed;
  for (const Route& route : routes()) {
    if (!match(route.path_template, path)) continue;
    allowed += method_name(route.method);
    allowed += route.method == Method::get ? ", HEAD, " : ", ";
  }
  if (!allowed.empty()) allowed += "OPTIONS";
  return allowed;
}

}  // namespace tps::http
