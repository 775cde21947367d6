// The common part of the readers of JSON bodies: a body is one object, each member is handed over with its name, and an
// error names its place.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/error.hpp"
#include "wire/json_value.hpp"

namespace tps::wire {

std::unexpected<domain::Error> malformed(std::string detail);
// At or after the member `name`, the last one seen; "" before the first.
std::unexpected<domain::Error> malformed_at(std::string_view name);
std::unexpected<domain::Error> broken_rule(std::string pointer, domain::FieldRule rule, std::string detail);

// RFC 6901 pointer to a member of the body, cut to a decent length.
std::string pointer_to(std::string_view name);

// The errors of the members of one object, up to a limit.
class MemberErrors {
 public:
  void add(std::string_view name, domain::FieldRule rule, std::string_view detail);
  std::vector<domain::FieldError> take() { return std::move(errors_); }

 private:
  std::vector<domain::FieldError> errors_;
};

// Kinds of values that come as the text that stands for them.
enum class TextKind : std::uint8_t { text, number, number_or_text };

// Reads the member `name` into `slot`: the text of a string, the raw token of a number. Null counts as absent, other
// kinds are an error of the member. False when it is not JSON.
bool read_text(std::string_view name, simdjson::ondemand::value& value, TextKind kind,
               std::optional<std::string_view>& slot, MemberErrors& errors);

// Hands each member with its name to `read_member`, which returns false when it is not JSON.
template <class ReadMember>
std::expected<void, domain::Error> read_members(simdjson::ondemand::object& members, ReadMember read_member) {
  for (auto member : members) {
    std::string_view name;
    simdjson::ondemand::value value;
    if (!read_name(member, name)) return malformed({});
    if (member.value().get(value) != simdjson::SUCCESS || !read_member(name, value)) return malformed_at(name);
  }
  return {};
}

// The object that `text`, which lies in this thread's JsonWorkspace, begins with. `document` must outlive it.
std::expected<simdjson::ondemand::object, domain::Error> open_object(std::string_view text,
                                                                     simdjson::ondemand::document& document);

// All of `text` as one object, by `read(object&)`.
template <class Read>
auto decode_object(std::string_view text, Read read) -> decltype(read(std::declval<simdjson::ondemand::object&>())) {
  simdjson::ondemand::document document;
  auto members = open_object(text, document);
  if (!members) return std::unexpected(std::move(members.error()));
  auto decoded = read(*members);
  if (decoded && !is_read_up(document)) return malformed("There is something after the end of the object");
  return decoded;
}

}  // namespace tps::wire
