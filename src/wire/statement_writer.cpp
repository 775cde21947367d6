#include "wire/statement_writer.hpp"

#include "wire/csv_field.hpp"
#include "wire/json_writer.hpp"
#include "wire/timestamp.hpp"

namespace tps::wire {
namespace {

using domain::Capture;
using domain::Currencies;
using domain::Transaction;
using ports::StatementEntry;
using ports::StatementQuery;

// The other user of an entry; nullptr: the world.
const std::string* counterparty_of(const StatementEntry& entry) {
  const Transaction& transaction = entry.transaction;
  if (entry.incoming) return &transaction.user_id;
  return transaction.to_user_id ? &*transaction.to_user_id : nullptr;
}

void append_time_or_null(std::string& out, const std::optional<domain::Timestamp>& time) {
  if (time) {
    append_time(out, *time);
  } else {
    out += "null";
  }
}

void append_text_member(std::string& out, std::string_view name, const std::string* text) {
  if (text == nullptr) return;
  out += name;
  append_string(out, *text);
}

void append_entry(std::string& out, const StatementEntry& entry, const Currencies& currencies) {
  const Transaction& transaction = entry.transaction;
  out += R"({"version":)";
  append_integer(out, entry.version);
  out += R"(,"transaction_id":)";
  append_integer(out, transaction.id);
  out += R"(,"type":")";
  out += slug(transaction.type);
  out += R"(","amount":)";
  append_money(out, entry.change_minor, transaction.currency, currencies);
  out += R"(,"balance":)";
  append_money(out, entry.posted_after, transaction.currency, currencies);
  out += R"(,"created_at":)";
  append_time(out, transaction.created_at);
  out += R"(,"settled_at":)";
  append_time(out, entry.settled_at);
  if (transaction.capture == Capture::manual) out += R"(,"capture":"manual")";
  append_text_member(out, R"(,"counterparty":)", counterparty_of(entry));
  if (transaction.parent_id) {
    out += R"(,"parent_id":)";
    append_integer(out, *transaction.parent_id);
  }
  append_text_member(out, R"(,"reference":)", transaction.reference ? &*transaction.reference : nullptr);
  append_text_member(out, R"(,"description":)", transaction.description ? &*transaction.description : nullptr);
  out += '}';
}

void append_field(std::string& out, const std::string* text) {
  if (text == nullptr) return;
  const bool like_formula = !text->empty() && std::string_view("=+-@\t").contains(text->front());
  if (!like_formula) {
    append_csv_field(out, *text);
  } else {
    append_csv_field(out, '\'' + *text);
  }
}

void append_line(std::string& out, const StatementEntry& entry, const Currencies& currencies) {
  const Transaction& transaction = entry.transaction;
  append_integer(out, entry.version);
  out += ',';
  append_integer(out, transaction.id);
  out += ',';
  out += slug(transaction.type);
  out += ',';
  append_money(out, entry.change_minor, transaction.currency, currencies);
  out += ',';
  append_money(out, entry.posted_after, transaction.currency, currencies);
  out += ',';
  out += transaction.currency;
  out += ',';
  append_timestamp(out, transaction.created_at);
  out += ',';
  append_timestamp(out, entry.settled_at);
  out += ',';
  if (transaction.capture == Capture::manual) out += slug(transaction.capture);
  out += ',';
  append_field(out, counterparty_of(entry));
  out += ',';
  if (transaction.parent_id) append_integer(out, *transaction.parent_id);
  out += ',';
  append_field(out, transaction.reference ? &*transaction.reference : nullptr);
  out += ',';
  append_field(out, transaction.description ? &*transaction.description : nullptr);
  out += "\r\n";
}

}  // namespace

void append_statement_json(std::string& out, const ports::Statement& statement, const StatementQuery& query,
                           const std::optional<std::string>& next_cursor, const Currencies& currencies) {
  out += R"({"user_id":)";
  append_string(out, query.user_id);
  out += R"(,"currency":")";
  out += query.currency;
  out += R"(","from":)";
  append_time_or_null(out, query.from);
  out += R"(,"to":)";
  append_time_or_null(out, query.to);
  out += R"(,"opening_balance":)";
  append_money(out, statement.opening_minor, query.currency, currencies);
  out += R"(,"closing_balance":)";
  append_money(out, statement.closing_minor, query.currency, currencies);
  out += R"(,"data":[)";
  for (const StatementEntry& entry : statement.entries) {
    if (&entry != &statement.entries.front()) out += ',';
    append_entry(out, entry, currencies);
  }
  out += R"(],"next_cursor":)";
  if (next_cursor) {
    append_string(out, *next_cursor);
  } else {
    out += "null";
  }
  out += '}';
}

void append_statement_csv(std::string& out, const ports::Statement& statement, const Currencies& currencies) {
  out +=
      "version,transaction_id,type,amount,balance,currency,created_at,settled_at,capture,counterparty,parent_id,"
      "reference,description\r\n";
  for (const StatementEntry& entry : statement.entries) append_line(out, entry, currencies);
}

}  // namespace tps::wire
