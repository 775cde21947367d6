// GET /users/{id}/balances and PUT /users/{id}/accounts/{currency}.
#include <algorithm>
#include <array>

#include "http/api/answers.hpp"
#include "http/api/created.hpp"
#include "http/api/handlers.hpp"
#include "http/api/json_head.hpp"
#include "http/api/parameters.hpp"
#include "http/api/path.hpp"
#include "http/api/query.hpp"
#include "ports/store.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"
#include "wire/percent.hpp"

namespace tps::http {
namespace {

using domain::Error;
using domain::ErrorCode;
using std::chrono::milliseconds;

// How long an account update may take to settle before it is answered with 202; always short of the request's own time.
constexpr milliseconds kPatience{5'000};
constexpr milliseconds kTimeToAnswer{1'000};

std::expected<std::optional<domain::Timestamp>, Error> parse_at(std::string_view text) {
  static constexpr std::array<std::string_view, 1> kAllowed{"at"};
  const auto query = Query::parse(text, kAllowed);
  if (!query) return std::unexpected(query.error());
  ParameterReader parameters(*query);
  std::optional<domain::Timestamp> at;
  parameters.time("at", at);
  if (!parameters.ok()) return std::unexpected(parameters.take_error());
  return at;
}

std::expected<service::Instruction, Error> decode_update(const Call& call, const std::string& user_id) {
  if (auto refused = refuse_parameters(call.request.query)) return std::unexpected(std::move(*refused));
  const auto code = wire::percent_decode(call.parameters[1], false);
  const domain::Currency* currency = code ? call.services.currencies.find(*code) : nullptr;
  // Such an account cannot be, whatever is written into it.
  if (currency == nullptr) return std::unexpected(Error{ErrorCode::not_found, "Currency not found"});
  auto key = json_head(call.request, JsonBody::required);
  if (!key) return std::unexpected(std::move(key.error()));
  auto decoded = wire::decode_account(call.request.body);
  if (!decoded) return std::unexpected(std::move(decoded.error()));
  auto update = domain::validate_account_update(user_id, *currency, decoded->draft, std::move(decoded->errors));
  if (!update) return std::unexpected(Error{ErrorCode::validation_failed, {}, std::move(update.error())});
  return service::Instruction{std::move(*update), std::move(*key)};
}

Response updated(const service::AccountUpdated& outcome, const domain::Currencies& currencies) {
  const domain::Transaction& update = outcome.update.transaction;
  Response response;
  if (outcome.account) {
    response.body += R"({"user_id":)";
    wire::append_string(response.body, update.user_id);
    response.body += ',';
    wire::append_balance_members(response.body, *outcome.account, currencies);
    response.body += R"(,"update":)";
    wire::append_transaction(response.body, update, currencies);
    response.body += '}';
  } else {
    response.status = 202;
    wire::append_transaction(response.body, update, currencies);
  }
  response.headers.emplace_back("Location", location_of(update));
  if (outcome.update.replayed) response.headers.emplace_back("Idempotent-Replayed", "true");
  return response;
}

}  // namespace

ResponseTask get_balances(Call call) {
  const auto user_id = user_id_of(call.parameters[0]);
  if (!user_id) co_return problem(user_id.error(), call.request);
  const auto at = parse_at(call.request.query);
  if (!at) co_return problem(at.error(), call.request);
  const auto balances =
      co_await call.services.transactions->balances(*user_id, *at, call.caller, call.request.deadline);
  if (!balances) co_return problem(balances.error(), call.request);
  Response response;
  response.body += R"({"user_id":)";
  wire::append_string(response.body, *user_id);
  if (*at) {
    response.body += R"(,"at":)";
    wire::append_time(response.body, **at);
  }
  response.body += R"(,"balances":[)";
  for (const ports::Balance& balance : *balances) {
    response.body += &balance == &balances->front() ? "{" : ",{";
    if (*at) {
      wire::append_past_balance_members(response.body, balance, call.services.currencies);
    } else {
      wire::append_balance_members(response.body, balance, call.services.currencies);
    }
    response.body += '}';
  }
  response.body += "]}";
  co_return response;
}

ResponseTask put_account(Call call) {
  const auto user_id = user_id_of(call.parameters[0]);
  if (!user_id) co_return problem(user_id.error(), call.request);
  auto instruction = decode_update(call, *user_id);
  if (!instruction) co_return problem(instruction.error(), call.request);
  const auto longest = call.services.options.request_timeout - kTimeToAnswer;
  const auto patience = std::clamp(longest, milliseconds(0), kPatience);
  const auto outcome = co_await call.services.transactions->update_account(std::move(*instruction), call.caller,
                                                                           patience, call.request.deadline);
  if (!outcome) co_return problem(outcome.error(), call.request);
  co_return updated(*outcome, call.services.currencies);
}

}  // namespace tps::http
