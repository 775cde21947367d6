#include "http/routes.hpp"

#include <array>
#include <vector>

#include "http/pages.hpp"

namespace tps::http {
namespace {

constexpr std::size_t kNoBody = 64 * 1024;  // read and ignored
constexpr std::size_t kSingleBody = 1024 * 1024;
constexpr std::size_t kBatchBody = 16 * 1024 * 1024;

constexpr std::array kWorkerRoutes{
    Route{Method::get, "/health", kNoBody, health, ""},
    Route{Method::get, "/readiness", kNoBody, readiness, ""},
    Route{Method::get, "/metrics", kNoBody, metrics, ""},
};

// What is asked most often comes first.
std::vector<Route> make_routes() {
  std::vector<Route> table{
      {Method::post, "/transactions", kSingleBody, create_transaction, "transactions:write"},
      {Method::post, "/transactions/batch", kBatchBody, create_batch, "transactions:write"},
      {Method::get, "/transactions/{id}", kNoBody, get_transaction, "transactions:read"},
      {Method::get, "/transactions", kNoBody, list_transactions, "transactions:read"},
      {Method::post, "/transactions/{id}/capture", kSingleBody, capture_transaction, "transactions:write"},
      {Method::post, "/transactions/{id}/void", kSingleBody, void_transaction, "transactions:write"},
      {Method::post, "/transactions/{id}/reverse", kSingleBody, reverse_transaction, "transactions:write"},
      {Method::get, "/users/{id}/balances", kNoBody, get_balances, "balances:read"},
      {Method::get, "/users/{id}/statement", kNoBody, get_statement, "balances:read"},
      {Method::put, "/users/{id}/accounts/{currency}", kSingleBody, put_account, "accounts:write"},
  };
  table.insert(table.end(), kWorkerRoutes.begin(), kWorkerRoutes.end());
  for (const Page& entry : pages()) table.push_back({Method::get, entry.path, kNoBody, page, ""});
  return table;
}

}  // namespace

std::span<const Route> routes() {
  static const std::vector<Route> kTable = make_routes();
  return kTable;
}

std::span<const Route> worker_routes() { return kWorkerRoutes; }

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

std::optional<Parameters> match(std::string_view path_template, std::string_view path) {
  Parameters parameters;
  for (std::size_t count = 0;; ++count) {
    const std::size_t open = path_template.find('{');
    if (open == std::string_view::npos) return path == path_template ? std::optional(parameters) : std::nullopt;
    if (!path.starts_with(path_template.substr(0, open))) return std::nullopt;
    path.remove_prefix(open);
    path_template.remove_prefix(path_template.find('}') + 1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.empty()) return std::nullopt;
    parameters.at(count) = segment;
    path.remove_prefix(segment.size());
  }
}

}  // namespace tps::http
