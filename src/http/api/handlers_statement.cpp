// GET /users/{id}/statement.
#include <array>

#include "http/api/answers.hpp"
#include "http/api/cursor.hpp"
#include "http/api/handlers.hpp"
#include "http/api/path.hpp"
#include "http/api/statement_query.hpp"
#include "http/headers/accept.hpp"
#include "ports/store.hpp"
#include "wire/json_writer.hpp"
#include "wire/statement_writer.hpp"

namespace tps::http {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kCsv = "text/csv";
constexpr std::array kForms{kJson, kCsv};
constexpr std::size_t kUsualEntryBytes = 256;

std::string money(std::int64_t minor, const ports::StatementQuery& query, const domain::Currencies& currencies) {
  std::string text;
  wire::append_money(text, minor, query.currency, currencies);
  return text;
}

// The path is as the client wrote it but for what would end the address early.
std::string link_to(std::string_view path, std::string_view query) {
  std::string link = "<";
  for (const char c : path) {
    switch (c) {
      case '<':
        link += "%3C";
        break;
      case '>':
        link += "%3E";
        break;
      case '"':
        link += "%22";
        break;
      default:
        link += c;
    }
  }
  link += '?';
  link += query;
  link += R"(>; rel="next")";
  return link;
}

}  // namespace

ResponseTask get_statement(Call call) {
  const domain::Currencies& currencies = call.services.currencies;
  const auto form = choose_media_type(call.request, kForms);
  if (!form) {
    co_return problem({domain::ErrorCode::not_acceptable, "A statement is application/json or text/csv"}, call.request);
  }
  auto user_id = user_id_of(call.parameters[0]);
  if (!user_id) co_return problem(user_id.error(), call.request);
  auto query = parse_statement_query(call.request.query, std::move(*user_id), currencies);
  if (!query) co_return problem(query.error(), call.request);
  const auto statement = co_await call.services.transactions->statement(*query, call.caller, call.request.deadline);
  if (!statement) co_return problem(statement.error(), call.request);
  query->epoch = statement->epoch;  // of the next cursor
  Response response;
  response.headers.emplace_back("Vary", "Accept");
  std::optional<std::string> next_cursor;
  if (statement->next_after) {
    next_cursor = make_cursor(*statement->next_after, *query);
    response.headers.emplace_back("Link", link_to(call.request.path, next_page_query(*query, *next_cursor)));
  }
  response.body.reserve(kUsualEntryBytes * (statement->entries.size() + 1));
  if (*form == kJson) {
    wire::append_statement_json(response.body, *statement, *query, next_cursor, currencies);
  } else {
    response.content_type = "text/csv; charset=utf-8; header=present";
    response.headers.emplace_back("Opening-Balance", money(statement->opening_minor, *query, currencies));
    response.headers.emplace_back("Closing-Balance", money(statement->closing_minor, *query, currencies));
    wire::append_statement_csv(response.body, *statement, currencies);
  }
  co_return response;
}

}  // namespace tps::http
