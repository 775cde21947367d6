// GET /users/{id}/balances.
#include "http/handlers.hpp"
#include "http/json_writer.hpp"
#include "http/problem.hpp"
#include "http/query.hpp"

namespace tps::http {
namespace {

// The user id from the path, by the same rules as the member user_id.
std::optional<std::string> parse_user_id(std::string_view segment) {
  auto user_id = percent_decode(segment, false);
  if (!user_id || user_id->empty() || user_id->size() > domain::kMaxUserIdBytes) return std::nullopt;
  if (!is_valid_utf8(*user_id) || domain::has_control_characters(*user_id)) return std::nullopt;
  return user_id;
}

}  // namespace

ResponseTask get_balances(Call call) {
  if (const auto refused = refuse_parameters(call.request.query)) co_return problem(*refused, call.request);
  const auto user_id = parse_user_id(call.parameters[0]);
  if (!user_id) {
    domain::Error error{domain::ErrorCode::invalid_parameter, {}};
    error.fields.push_back({"id", domain::FieldRule::invalid_characters,
                            "must be 1 to 128 bytes of percent-encoded UTF-8 without control characters"});
    co_return problem(error, call.request);
  }
  const auto balances = co_await call.services.transactions->balances(*user_id, std::nullopt, call.request.deadline);
  if (!balances) co_return problem(balances.error(), call.request);
  Response response;
  response.body += R"({"user_id":)";
  append_string(response.body, *user_id);
  response.body += R"(,"balances":[)";
  for (const service::Balance& balance : *balances) {
    if (&balance != &balances->front()) response.body += ',';
    append_balance(response.body, balance, call.services.currencies);
  }
  response.body += "]}";
  co_return response;
}

}  // namespace tps::http
