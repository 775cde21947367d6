#include "http/api/list_query.hpp"

#include <array>

#include "http/api/cursor.hpp"
#include "http/api/parameters.hpp"

namespace tps::http {
namespace {

using domain::Error;
using domain::ErrorCode;
using domain::FieldRule;

constexpr std::size_t kListPageSize = 50;

constexpr std::array<std::string_view, 12> kListParameters{"user_id",   "status",    "type",         "currency",
                                                           "reference", "parent_id", "created_from", "created_to",
                                                           "limit",     "cursor",    "order",        "after"};

void read_order(ParameterReader& parameters, ports::ListQuery& list) {
  const std::string* order = parameters.get("order");
  if (order == nullptr || *order == "desc") return;
  if (*order == "asc") {
    list.order = ports::Order::oldest_first;
  } else {
    parameters.refuse("order", FieldRule::unknown_value, "must be asc or desc");
  }
}

// An id is a place in the log of one partition, and with several there is a place in each.
void read_after(ParameterReader& parameters, ports::ListQuery& list, std::uint32_t partitions) {
  const std::string* after = parameters.get("after");
  if (after == nullptr) return;
  if (list.order != ports::Order::oldest_first) {
    parameters.refuse("after", FieldRule::not_allowed, "is for order=asc; use cursor for the newest first");
  } else if (parameters.get("cursor") != nullptr) {
    parameters.refuse("after", FieldRule::not_allowed, "must not come together with cursor");
  } else if (*after == "0") {
    list.positions.clear();
  } else if (const auto id = parse_id(*after); !id) {
    parameters.refuse("after", FieldRule::not_a_number, "must be an id of a transaction, or 0");
  } else if (partitions > 1) {
    parameters.refuse("after", FieldRule::not_allowed,
                      "must be 0 where the log has several partitions; go on with next_cursor");
  } else {
    list.positions = {*id};
  }
}

bool read_place(std::string_view cursor, ports::ListQuery& list, std::uint32_t partitions) {
  list.epoch = epoch_of_cursor(cursor);
  if (list.order == ports::Order::newest_first) {
    list.after = read_cursor(cursor, list);
    return list.after.has_value();
  }
  auto positions = read_positions(cursor, list);
  if (!positions || positions->size() > partitions) return false;
  list.positions = std::move(*positions);
  return true;
}

}  // namespace

std::expected<ports::ListQuery, Error> parse_list_query(std::string_view text, const domain::Currencies& currencies,
                                                        std::uint32_t partitions) {
  const auto query = Query::parse(text, kListParameters);
  if (!query) return std::unexpected(query.error());
  ParameterReader parameters(*query);
  ports::ListQuery list;
  list.limit = kListPageSize;
  parameters.text("user_id", domain::kMaxUserIdBytes, list.user_id);
  parameters.named("status", domain::parse_status, list.status, "is not a status");
  parameters.named("type", domain::parse_type, list.type, "is not a type of transaction");
  parameters.currency(currencies, list.currency);
  parameters.text("reference", domain::kMaxReferenceBytes, list.reference);
  parameters.named("parent_id", parse_id, list.parent_id, "must be an id of a transaction");
  parameters.time("created_from", list.created_from);
  parameters.time("created_to", list.created_to);
  parameters.limit(list.limit);
  read_order(parameters, list);
  read_after(parameters, list, partitions);
  if (!parameters.ok()) return std::unexpected(parameters.take_error());
  const std::string* cursor = parameters.get("cursor");
  if (cursor != nullptr && !read_place(*cursor, list, partitions)) {
    return std::unexpected(Error{ErrorCode::invalid_cursor, {}});
  }
  return list;
}

}  // namespace tps::http
