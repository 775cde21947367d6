#include "http/api/statement_query.hpp"

#include <array>
#include <utility>

#include "http/api/cursor.hpp"
#include "http/api/parameters.hpp"
#include "wire/timestamp.hpp"

namespace tps::http {
namespace {

using domain::Error;
using domain::ErrorCode;
using domain::FieldRule;

constexpr std::size_t kStatementPageSize = 100;
constexpr std::array<std::string_view, 5> kStatementParameters{"currency", "from", "to", "limit", "cursor"};

}  // namespace

std::expected<ports::StatementQuery, Error> parse_statement_query(std::string_view text, std::string user_id,
                                                                  const domain::Currencies& currencies) {
  const auto query = Query::parse(text, kStatementParameters);
  if (!query) return std::unexpected(query.error());
  ParameterReader parameters(*query);
  ports::StatementQuery statement;
  statement.user_id = std::move(user_id);
  statement.limit = kStatementPageSize;
  std::optional<std::string> currency;
  parameters.currency(currencies, currency);
  if (parameters.get("currency") == nullptr) parameters.refuse("currency", FieldRule::required, "is required");
  parameters.time("from", statement.from);
  parameters.time("to", statement.to);
  if (statement.from && statement.to && *statement.to < *statement.from) {
    parameters.refuse("to", FieldRule::too_small, "must not be before from");
  }
  parameters.limit(statement.limit);
  if (!parameters.ok()) return std::unexpected(parameters.take_error());
  statement.currency = *std::move(currency);
  if (const std::string* cursor = parameters.get("cursor")) {
    statement.after = read_cursor(*cursor, statement);
    statement.epoch = epoch_of_cursor(*cursor);
    if (!statement.after) return std::unexpected(Error{ErrorCode::invalid_cursor, {}});
  }
  return statement;
}

std::string next_page_query(const ports::StatementQuery& query, std::string_view cursor) {
  std::string text = "currency=" + query.currency;
  const auto add_time = [&](std::string_view name, const std::optional<domain::Timestamp>& time) {
    if (!time) return;
    text += name;
    wire::append_timestamp(text, *time);
  };
  add_time("&from=", query.from);
  add_time("&to=", query.to);
  text += "&limit=" + std::to_string(query.limit);
  text += "&cursor=";
  text += cursor;
  return text;
}

}  // namespace tps::http
