#include "wire/json_writer.hpp"

#include <charconv>
#include <stdexcept>

#include "domain/money.hpp"
#include "wire/timestamp.hpp"

namespace tps::wire {
namespace {

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

void append_escaped(std::string& out, char c) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"':
      out += R"(\")";
      return;
    case '\\':
      out += R"(\\)";
      return;
    case '\n':
      out += R"(\n)";
      return;
    case '\r':
      out += R"(\r)";
      return;
    case '\t':
      out += R"(\t)";
      return;
    default:
      out += R"(\u00)";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
  }
}

void append_optional_string(std::string& out, std::string_view name, const std::optional<std::string>& text) {
  if (!text) return;
  out += name;
  append_string(out, *text);
}

void append_rare_members(std::string& out, const domain::Transaction& transaction,
                         const domain::Currencies& currencies) {
  append_optional_string(out, R"(,"to_user_id":)", transaction.to_user_id);
  if (transaction.parent_id) {
    out += R"(,"parent_id":)";
    append_integer(out, *transaction.parent_id);
  }
  if (transaction.capture == domain::Capture::manual) {
    out += R"(,"capture":")";
    out += slug(transaction.capture);
    out += '"';
  }
  if (transaction.hold_expires_at) {
    out += R"(,"hold_expires_at":)";
    append_time(out, *transaction.hold_expires_at);
  }
  if (transaction.overdraft_limit) {
    out += R"(,"overdraft_limit":)";
    append_money(out, *transaction.overdraft_limit, transaction.currency, currencies);
  }
  if (transaction.frozen) out += *transaction.frozen ? R"(,"frozen":true)" : R"(,"frozen":false)";
  append_optional_string(out, R"(,"reference":)", transaction.reference);
  append_optional_string(out, R"(,"description":)", transaction.description);
  if (transaction.metadata) {
    out += R"(,"metadata":)";
    out += *transaction.metadata;
  }
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t clean = 0;  // start of what is not copied yet
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    out.append(text.substr(clean, i - clean));
    append_escaped(out, text[i]);
    clean = i + 1;
  }
  out.append(text.substr(clean));
  out += '"';
}

void append_integer(std::string& out, std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

void append_time(std::string& out, domain::Timestamp time) {
  out += '"';
  append_timestamp(out, time);
  out += '"';
}

void append_member_name(std::string& out, std::string_view name) {
  if (!out.ends_with('{')) out += ',';
  append_string(out, name);
  out += ':';
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  append_member_name(out, name);
  append_string(out, text);
}

void append_member(std::string& out, std::string_view name, std::int64_t value) {
  append_member_name(out, name);
  append_integer(out, value);
}

void append_money(std::string& out, std::int64_t minor, std::string_view currency,
                  const domain::Currencies& currencies) {
  const domain::Currency* known = currencies.find(currency);
  if (known == nullptr) throw std::logic_error("a stored currency is not configured");
  domain::append_amount(out, minor, known->exponent);
}

void append_transaction(std::string& out, const domain::Transaction& transaction,
                        const domain::Currencies& currencies) {
  out += R"({"id":)";
  append_integer(out, transaction.id);
  out += R"(,"user_id":)";
  append_string(out, transaction.user_id);
  out += R"(,"type":")";
  out += slug(transaction.type);
  out += R"(","amount":)";
  append_money(out, transaction.amount_minor, transaction.currency, currencies);
  out += R"(,"currency":")";
  out += transaction.currency;
  out += R"(","status":")";
  out += slug(transaction.status);
  out += R"(","created_at":)";
  append_time(out, transaction.created_at);
  out += R"(,"settled_at":)";
  if (transaction.settled_at) {
    append_time(out, *transaction.settled_at);
  } else {
    out += "null";
  }
  out += R"(,"failure":)";
  if (transaction.failure) {
    append_string(out, slug(*transaction.failure));
  } else {
    out += "null";
  }
  append_rare_members(out, transaction, currencies);
  out += '}';
}

void append_past_balance_members(std::string& out, const ports::Balance& balance,
                                 const domain::Currencies& currencies) {
  out += R"("currency":")";
  out += balance.currency;
  out += R"(","posted":)";
  append_money(out, balance.posted, balance.currency, currencies);
  out += R"(,"held":)";
  append_money(out, balance.held, balance.currency, currencies);
  out += R"(,"available":)";
  append_money(out, balance.available, balance.currency, currencies);
  out += R"(,"version":)";
  append_integer(out, balance.version);
}

void append_balance_members(std::string& out, const ports::Balance& balance, const domain::Currencies& currencies) {
  append_past_balance_members(out, balance, currencies);
  out += R"(,"pending":)";
  append_money(out, balance.pending, balance.currency, currencies);
  out += R"(,"overdraft_limit":)";
  append_money(out, balance.overdraft_limit, balance.currency, currencies);
  out += balance.frozen ? R"(,"frozen":true)" : R"(,"frozen":false)";
}

}  // namespace tps::wire
