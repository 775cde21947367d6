// The bodies that are many transactions (http/json_reader.hpp, decode_batch and decode_lines).
#include <algorithm>
#include <string>
#include <utility>

#include "wire/json_object.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_transaction.hpp"

namespace tps::wire {
namespace {

using domain::Error;
using domain::ErrorCode;
using domain::FieldRule;
using simdjson::ondemand::json_type;
using simdjson::ondemand::object;
using simdjson::ondemand::value;

DecodeResult decode_element(value& v) {
  json_type type{};
  if (v.type().get(type) != simdjson::SUCCESS) return malformed({});
  if (type != json_type::object) {
    if (!skip_value(v, 1)) return malformed({});
    return broken_rule("", FieldRule::wrong_type, "must be an object");
  }
  object members;
  if (v.get_object().get(members) != simdjson::SUCCESS) return malformed({});
  return read_transaction(members, true);
}

std::unexpected<Error> too_many_items(std::size_t max_items) {
  return broken_rule("/transactions", FieldRule::too_many, "must have at most " + std::to_string(max_items) + " items");
}

std::expected<void, Error> decode_elements(value& v, std::size_t max_items, const ItemSink& sink) {
  simdjson::ondemand::array elements;
  if (v.get_array().get(elements) != simdjson::SUCCESS) {
    return broken_rule("/transactions", FieldRule::wrong_type, "must be an array");
  }
  std::size_t count = 0;
  for (auto element : elements) {
    value item;
    if (element.get(item) != simdjson::SUCCESS) return malformed({});
    if (count++ == max_items) return too_many_items(max_items);
    auto decoded = decode_element(item);
    if (!decoded && decoded.error().code == ErrorCode::malformed_json) {
      return malformed("The body is not valid JSON at or after /transactions/" + std::to_string(count - 1));
    }
    sink(std::move(decoded));
  }
  if (count == 0) return broken_rule("/transactions", FieldRule::too_short, "must have at least one item");
  return {};
}

}  // namespace

std::expected<void, Error> decode_batch(std::string_view body, std::size_t max_items, const ItemSink& sink) {
  simdjson::ondemand::document document;
  auto members = open_object(JsonWorkspace::of_this_thread().load(body), document);
  if (!members) return std::unexpected(std::move(members.error()));
  bool seen = false;
  for (auto member : *members) {
    std::string_view name;
    value v;
    if (!read_name(member, name)) return malformed({});
    if (member.value().get(v) != simdjson::SUCCESS) return malformed({});
    if (name != "transactions") {
      return broken_rule(pointer_to(name), FieldRule::unknown_member, "is not a member of a batch");
    }
    if (std::exchange(seen, true)) return broken_rule("/transactions", FieldRule::duplicate_member, "must come once");
    if (auto items = decode_elements(v, max_items, sink); !items) return items;
  }
  if (!is_read_up(document)) return malformed("There is something after the end of the object");
  if (!seen) return broken_rule("/transactions", FieldRule::required, "is required");
  return {};
}

std::expected<void, Error> decode_lines(std::string_view body, std::size_t max_items, const ItemSink& sink) {
  std::string_view rest = JsonWorkspace::of_this_thread().load(body);
  std::size_t count = 0;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (count++ == max_items) return too_many_items(max_items);
    sink(decode_object(line, [](object& members) { return read_transaction(members, true); }));
  }
  if (count == 0) return broken_rule("/transactions", FieldRule::too_short, "must have at least one item");
  return {};
}

}  // namespace tps::wire
