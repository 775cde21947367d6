// The parameters of GET /users/{id}/statement.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "domain/currency.hpp"
#include "domain/error.hpp"
#include "ports/store.hpp"

namespace tps::http {

// `text` is the query part of the target. Every bad parameter is named in one answer; a cursor that does not belong to
// the account and the times is invalid_cursor.
std::expected<ports::StatementQuery, domain::Error> parse_statement_query(std::string_view text, std::string user_id,
                                                                          const domain::Currencies& currencies);

// The query part of the page that starts at `cursor`.
std::string next_page_query(const ports::StatementQuery& query, std::string_view cursor);

}  // namespace tps::http
