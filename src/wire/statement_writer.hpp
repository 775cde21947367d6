// A statement on the wire, in each of its two forms.
#pragma once

#include <optional>
#include <string>

#include "domain/currency.hpp"
#include "ports/store.hpp"

namespace tps::wire {

// {"user_id","currency","from","to","opening_balance","closing_balance","data":[...],"next_cursor"}
void append_statement_json(std::string& out, const ports::Statement& statement, const ports::StatementQuery& query,
                           const std::optional<std::string>& next_cursor, const domain::Currencies& currencies);

// RFC 4180: a line of names, then one line for each entry. A text that a spreadsheet could take for a formula gets an
// apostrophe in front.
void append_statement_csv(std::string& out, const ports::Statement& statement, const domain::Currencies& currencies);

}  // namespace tps::wire
