#include "http/api/routes.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "http/api/pages.hpp"

namespace tps::http {
namespace {

using auth::Scope;

constexpr std::size_t kNoBody = 64 * 1024;  // read and ignored
constexpr std::size_t kFormBody = 8 * 1024;
constexpr std::size_t kSingleBody = 1024 * 1024;
constexpr std::size_t kBatchBody = 16 * 1024 * 1024;

constexpr std::array kWorkerRoutes{
    Route{Method::get, "/health", kNoBody, health, std::nullopt},
    Route{Method::get, "/readiness", kNoBody, readiness, std::nullopt},
    Route{Method::get, "/metrics", kNoBody, metrics, std::nullopt},
};

// The most frequent routes come first.
std::vector<Route> make_routes() {
  std::vector<Route> table{
      {Method::post, "/transactions", kSingleBody, create_transaction, Scope::transactions_write},
      {Method::post, "/transactions/batch", kBatchBody, create_batch, Scope::transactions_write},
      {Method::get, "/transactions/{id}", kNoBody, get_transaction, Scope::transactions_read},
      {Method::get, "/transactions", kNoBody, list_transactions, Scope::transactions_read},
      {Method::post, "/transactions/{id}/capture", kSingleBody, capture_transaction, Scope::transactions_write},
      {Method::post, "/transactions/{id}/void", kSingleBody, void_transaction, Scope::transactions_write},
      {Method::post, "/transactions/{id}/reverse", kSingleBody, reverse_transaction, Scope::transactions_write},
      {Method::get, "/users/{id}/balances", kNoBody, get_balances, Scope::accounts_read},
      {Method::get, "/users/{id}/statement", kNoBody, get_statement, Scope::accounts_read},
      {Method::put, "/users/{id}/accounts/{currency}", kSingleBody, put_account, Scope::accounts_write},
      {Method::post, "/token", kFormBody, create_token, std::nullopt},
  };
  table.insert(table.end(), kWorkerRoutes.begin(), kWorkerRoutes.end());
  for (const Page& entry : pages()) table.push_back({Method::get, entry.path, kNoBody, page, std::nullopt});
  return table;
}

}  // namespace

std::span<const Route> routes() {
  static const std::vector<Route> kTable = make_routes();
  return kTable;
}

std::span<const Route> worker_routes() { return kWorkerRoutes; }

bool for_operators(std::string_view path) {
  return std::ranges::find(kWorkerRoutes, path, &Route::path_template) != std::ranges::end(kWorkerRoutes);
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
