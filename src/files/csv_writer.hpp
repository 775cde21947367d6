// Transactions as CSV (RFC 4180). Fields are written as they are, formulas of spreadsheets too: what is exported must
// come back unchanged.
#pragma once

#include <string>
#include <string_view>

#include "domain/currency.hpp"
#include "domain/transaction.hpp"

namespace tps::files {

// The names of the columns, which are those of the members in the API's bodies; metadata is a JSON object.
std::string_view csv_header();

// One row; absent members are empty fields.
void append_csv_row(std::string& out, const domain::Transaction& transaction, const domain::Currencies& currencies);

}  // namespace tps::files
