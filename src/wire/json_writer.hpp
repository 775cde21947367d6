// JSON out: appends to a string, without an object model in between.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "domain/currency.hpp"
#include "domain/transaction.hpp"
#include "ports/store.hpp"

namespace tps::wire {

// `text` must be valid UTF-8; it is quoted and escaped.
void append_string(std::string& out, std::string_view text);
void append_integer(std::string& out, std::int64_t value);
void append_time(std::string& out, domain::Timestamp time);  // quoted

// "name": of an object that was begun, after a comma unless it is the first.
void append_member_name(std::string& out, std::string_view name);
// The whole member.
void append_member(std::string& out, std::string_view name, std::string_view text);
void append_member(std::string& out, std::string_view name, std::int64_t value);

// A JSON number with exactly the currency's decimals. Throws std::logic_error for a currency that is not configured:
// start-up refuses such a store, so this is a bug, and a wrong amount must not go out.
void append_money(std::string& out, std::int64_t minor, std::string_view currency,
                  const domain::Currencies& currencies);

// The one body of a transaction. id, user_id, type, amount, currency, status, created_at, settled_at and failure are
// always there (null when there is none), the others when set; capture is shown when it is manual.
void append_transaction(std::string& out, const domain::Transaction& transaction, const domain::Currencies& currencies);

// The members of a balance, without braces: as it is now, and as it was once.
void append_balance_members(std::string& out, const ports::Balance& balance, const domain::Currencies& currencies);
void append_past_balance_members(std::string& out, const ports::Balance& balance, const domain::Currencies& currencies);

}  // namespace tps::wire
