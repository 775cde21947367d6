#include "adapters/postgres/insert.hpp"

#include <algorithm>

#include "adapters/postgres/row.hpp"

namespace tps::postgres {
namespace {

using domain::Transaction;

// Columns travel as arrays. unnest() side by side in the SELECT list runs in step and pads with NULL, so a column
// that no row uses is one NULL. (In FROM each would be stored row by row first.)
constexpr Statement kInsert{
    "insert",
    "INSERT INTO transaction_log (partition, id, type, capture, user_id, amount_minor, currency, created_at,"
    " created_by, to_user_id, to_partition, parent_id, hold_expires_at, idempotency_hash, content_hash, reference,"
    " description, metadata, overdraft_limit, frozen)"
    R"( SELECT $1::smallint, unnest($2::bigint[]), unnest($3::"char"[]), unnest($4::"char"[]), unnest($5::text[]),)"
    " unnest($6::bigint[]), unnest($7::text[]), unnest($8::timestamptz[]), unnest($9::text[]), unnest($10::text[]),"
    " unnest($11::smallint[]), unnest($12::bigint[]), unnest($13::timestamptz[]), unnest($14::bytea[]),"
    " unnest($15::bytea[]), unnest($16::text[]), unnest($17::text[]), unnest($18::text[]),"
    " unnest($19::bigint[]), unnest($20::boolean[])"};

// A currency that another instance has just recorded with other decimals violates the primary key, so the
// transaction is refused; with the same decimals it is simply there. One that another partition records at the same
// time violates it too, once: the flight is repeated.
constexpr Statement kRecordCurrencies{
    "record_currencies",
    "INSERT INTO currencies (code, exponent) SELECT n.code, n.exponent"
    " FROM unnest($1::text[], $2::smallint[]) AS n(code, exponent)"
    " WHERE NOT EXISTS (SELECT FROM currencies c WHERE c.code = n.code AND c.exponent = n.exponent)"};

struct Columns {
  Array id{Type::int8};
  Array type{Type::one_char};
  Array capture{Type::one_char};
  Array user_id{Type::text};
  Array amount_minor{Type::int8};
  Array currency{Type::text};
  Array created_at{Type::timestamptz};
  Array created_by{Type::text};
  Array to_user_id{Type::text};
  Array to_partition{Type::int2};
  Array parent_id{Type::int8};
  Array hold_expires_at{Type::timestamptz};
  Array idempotency_hash{Type::bytea};
  Array content_hash{Type::bytea};
  Array reference{Type::text};
  Array description{Type::text};
  Array metadata{Type::text};
  Array overdraft_limit{Type::int8};
  Array frozen{Type::boolean};

  void add(const Transaction& transaction) {
    id.add(transaction.id);
    type.add(letter(transaction.type));
    capture.add(letter(transaction.capture));
    user_id.add(std::string_view(transaction.user_id));
    amount_minor.add(transaction.amount_minor);
    currency.add(std::string_view(transaction.currency));
    created_at.add(transaction.created_at);
    created_by.add(std::string_view(transaction.created_by));
    to_user_id.add(transaction.to_user_id);
    if (transaction.to_partition) {
      to_partition.add(static_cast<std::int16_t>(*transaction.to_partition));
    } else {
      to_partition.add_null();
    }
    parent_id.add(transaction.parent_id);
    hold_expires_at.add(transaction.hold_expires_at);
    idempotency_hash.add(transaction.idempotency_hash);
    content_hash.add(transaction.content_hash);
    reference.add(transaction.reference);
    description.add(transaction.description);
    metadata.add(transaction.metadata);
    overdraft_limit.add(transaction.overdraft_limit);
    frozen.add(transaction.frozen);
  }
};

void queue_currencies(Session& session, const std::vector<std::string>& first_uses) {
  Array codes(Type::text);
  Array exponents(Type::int2);
  for (const std::string& code : first_uses) {
    codes.add(std::string_view(code));
    exponents.add(static_cast<std::int16_t>(session.currencies.find(code)->exponent));
  }
  Parameters parameters;
  session.connection.queue(kRecordCurrencies, parameters.add(codes).add(exponents));
}

}  // namespace

std::vector<std::string> queue_insert(Session& session, FlightSpan flight) {
  Columns columns;
  std::vector<std::string> first_uses;
  for (const domain::Submission* item : flight) {
    if (item->acceptance != domain::Acceptance::accepted) continue;
    const Transaction& transaction = item->transaction;
    columns.add(transaction);
    if (!session.recorded_currencies.contains(transaction.currency) &&
        std::ranges::find(first_uses, transaction.currency) == first_uses.end()) {
      first_uses.push_back(transaction.currency);
    }
  }
  if (!first_uses.empty()) queue_currencies(session, first_uses);
  Parameters parameters;
  parameters.add(static_cast<std::int16_t>(flight.front()->transaction.partition))
      .add(columns.id)
      .add(columns.type)
      .add(columns.capture)
      .add(columns.user_id)
      .add(columns.amount_minor)
      .add(columns.currency)
      .add(columns.created_at)
      .add(columns.created_by)
      .add_unless_null(columns.to_user_id)
      .add_unless_null(columns.to_partition)
      .add_unless_null(columns.parent_id)
      .add_unless_null(columns.hold_expires_at)
      .add_unless_null(columns.idempotency_hash)
      .add_unless_null(columns.content_hash)
      .add_unless_null(columns.reference)
      .add_unless_null(columns.description)
      .add_unless_null(columns.metadata)
      .add_unless_null(columns.overdraft_limit)
      .add_unless_null(columns.frozen);
  session.connection.queue(kInsert, parameters);
  return first_uses;
}

}  // namespace tps::postgres
