#include "http/api/created.hpp"

#include "http/headers/prefer.hpp"
#include "wire/json_writer.hpp"

namespace tps::http {
namespace {

constexpr std::size_t kCreatedBodyBytes = 256;

}  // namespace

boost::asio::awaitable<std::optional<std::chrono::seconds>> wait_as_preferred(service::Submitted& submitted,
                                                                              const Call& call) {
  const auto wait = wait_preference(call.request, call.services.options.max_wait);
  if (!wait) co_return std::nullopt;
  domain::Transaction& transaction = submitted.transaction;
  const auto until = std::chrono::steady_clock::now() + *wait;
  transaction = co_await call.services.transactions->wait(std::move(transaction), until);
  const bool waited = transaction.status != domain::Status::pending || std::chrono::steady_clock::now() >= until;
  co_return waited ? wait : std::nullopt;
}

Response created(const service::Submitted& submitted, std::optional<std::chrono::seconds> waited,
                 const Services& services) {
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
