// POST /transactions, GET /transactions/{id}, GET /transactions.
#include "http/api/answers.hpp"
#include "http/api/created.hpp"
#include "http/api/cursor.hpp"
#include "http/api/handlers.hpp"
#include "http/api/json_head.hpp"
#include "http/api/list_query.hpp"
#include "http/api/parameters.hpp"
#include "http/api/query.hpp"
#include "ports/store.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"

namespace tps::http {
namespace {

using domain::Error;
using domain::ErrorCode;

constexpr std::size_t kTransactionBodyBytes = 256;

std::expected<service::Instruction, Error> decode_instruction(const Call& call) {
  auto key = json_head(call.request, JsonBody::required);
  if (!key) return std::unexpected(std::move(key.error()));
  auto decoded = wire::decode_transaction(call.request.body);
  if (!decoded) return std::unexpected(std::move(decoded.error()));
  auto transaction = domain::validate(decoded->draft, call.services.currencies, std::move(decoded->errors));
  if (!transaction) {
    return std::unexpected(Error{ErrorCode::validation_failed, {}, std::move(transaction.error())});
  }
  return service::Instruction{std::move(*transaction), std::move(*key)};
}

}  // namespace

ResponseTask create_transaction(Call call) {
  auto instruction = decode_instruction(call);
  if (!instruction) co_return problem(instruction.error(), call.request);
  auto submitted =
      co_await call.services.transactions->submit(std::move(*instruction), call.caller, call.request.deadline);
  if (!submitted) co_return problem(submitted.error(), call.request);
  // Most requests do not ask to wait, and are spared the coroutine.
  std::optional<std::chrono::seconds> waited;
  if (call.request.header("prefer")) waited = co_await wait_as_preferred(*submitted, call);
  co_return created(*submitted, waited, call.services);
}

ResponseTask get_transaction(Call call) {
  if (const auto refused = refuse_parameters(call.request.query)) co_return problem(*refused, call.request);
  const auto id = parse_id(call.parameters[0]);
  if (!id) co_return problem({ErrorCode::not_found, "Transaction not found"}, call.request);
  auto found = co_await call.services.transactions->find(*id, call.caller, call.request.deadline);
  if (!found) co_return problem(found.error(), call.request);
  Response response;
  response.body.reserve(kTransactionBodyBytes);
  wire::append_transaction(response.body, *found, call.services.currencies);
  co_return response;
}

ResponseTask list_transactions(Call call) {
  service::Transactions& transactions = *call.services.transactions;
  auto query = parse_list_query(call.request.query, call.services.currencies, transactions.partitions());
  if (!query) co_return problem(query.error(), call.request);
  const auto page = co_await transactions.list(*query, call.caller, call.request.deadline);
  if (!page) co_return problem(page.error(), call.request);
  query->epoch = page->epoch;  // of the next cursor
  Response response;
  response.body.reserve(kTransactionBodyBytes * (page->transactions.size() + 1));
  response.body += R"({"data":[)";
  for (const domain::Transaction& transaction : page->transactions) {
    if (&transaction != &page->transactions.front()) response.body += ',';
    wire::append_transaction(response.body, transaction, call.services.currencies);
  }
  response.body += R"(],"next_cursor":)";
  if (query->order == ports::Order::oldest_first) {
    wire::append_string(response.body, make_cursor(page->next_positions, *query));
  } else if (page->next_after) {
    wire::append_string(response.body, make_cursor(*page->next_after, *query));
  } else {
    response.body += "null";
  }
  response.body += '}';
  co_return response;
}

}  // namespace tps::http
