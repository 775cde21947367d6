#include "http/api/created.hpp"

#include <algorithm>

#include "http/headers/prefer.hpp"
#include "wire/json_writer.hpp"

namespace tps::http {
namespace {

using std::chrono::seconds;

constexpr std::size_t kCreatedBodyBytes = 256;
constexpr seconds kTimeLeftToRespond{1};

// A wait ends before its request does.
seconds longest_wait(const ApiOptions& options) {
  const auto limit = std::chrono::floor<seconds>(options.request_timeout) - kTimeLeftToRespond;
  return std::clamp(limit, seconds(0), options.max_wait);
}

}  // namespace

boost::asio::awaitable<std::optional<seconds>> wait_as_preferred(service::Submitted& submitted, const Call& call) {
  const auto wait = wait_preference(call.request, longest_wait(call.services.options));
  if (!wait) co_return std::nullopt;
  domain::Transaction& transaction = submitted.transaction;
  const auto until = std::min(std::chrono::steady_clock::now() + *wait, call.request.deadline - kTimeLeftToRespond);
  transaction = co_await call.services.transactions->wait(std::move(transaction), until);
  const bool waited = transaction.status != domain::Status::pending || std::chrono::steady_clock::now() >= until;
  co_return waited ? wait : std::nullopt;
}

Response created(const service::Submitted& submitted, std::optional<seconds> waited, const Services& services) {
  Response response;
  response.status = 201;
  response.body.reserve(kCreatedBodyBytes);
  wire::append_transaction(response.body, submitted.transaction, services.currencies);
  response.headers.emplace_back("Location", location_of(submitted.transaction));
  if (submitted.replayed) response.headers.emplace_back("Idempotent-Replayed", "true");
  if (waited) response.headers.emplace_back("Preference-Applied", "wait=" + std::to_string(waited->count()));
  return response;
}

std::string location_of(const domain::Transaction& transaction) {
  std::string location = "/transactions/";
  wire::append_integer(location, transaction.id);
  return location;
}

}  // namespace tps::http
