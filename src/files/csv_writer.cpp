#include "files/csv_writer.hpp"

#include "wire/csv_field.hpp"
#include "wire/json_writer.hpp"
#include "wire/timestamp.hpp"

namespace tps::files {
namespace {

void append_optional(std::string& out, const std::optional<std::string>& text) {
  out += ',';
  if (text) wire::append_csv_field(out, *text);
}

void append_optional(std::string& out, const std::optional<domain::Timestamp>& time) {
  out += ',';
  if (time) wire::append_timestamp(out, *time);
}

}  // namespace

std::string_view csv_header() {
  return "id,user_id,type,amount,currency,status,created_at,settled_at,failure,to_user_id,parent_id,capture,"
         "hold_expires_at,overdraft_limit,frozen,reference,description,metadata\r\n";
}

void append_csv_row(std::string& out, const domain::Transaction& transaction, const domain::Currencies& currencies) {
  wire::append_integer(out, transaction.id);
  out += ',';
  wire::append_csv_field(out, transaction.user_id);
  out += ',';
  out += slug(transaction.type);
  out += ',';
  wire::append_money(out, transaction.amount_minor, transaction.currency, currencies);
  out += ',';
  out += transaction.currency;
  out += ',';
  out += slug(transaction.status);
  append_optional(out, std::optional(transaction.created_at));
  append_optional(out, transaction.settled_at);
  out += ',';
  if (transaction.failure) out += slug(*transaction.failure);
  append_optional(out, transaction.to_user_id);
  out += ',';
  if (transaction.parent_id) wire::append_integer(out, *transaction.parent_id);
  out += ',';
  if (transaction.capture == domain::Capture::manual) out += slug(transaction.capture);
  append_optional(out, transaction.hold_expires_at);
  out += ',';
  if (transaction.overdraft_limit) {
    wire::append_money(out, *transaction.overdraft_limit, transaction.currency, currencies);
  }
  out += ',';
  if (transaction.frozen) out += *transaction.frozen ? "true" : "false";
  append_optional(out, transaction.reference);
  append_optional(out, transaction.description);
  append_optional(out, transaction.metadata);
  out += "\r\n";
}

}  // namespace tps::files
