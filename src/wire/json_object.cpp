#include "wire/json_object.hpp"

namespace tps::wire {
namespace {

using domain::Error;
using domain::ErrorCode;
using domain::FieldRule;
using simdjson::ondemand::json_type;
using simdjson::ondemand::object;
using simdjson::ondemand::value;

constexpr std::size_t kMaxErrors = 50;     // of one object; more say nothing new
constexpr std::size_t kMaxNameShown = 64;  // bytes of an unknown member's name in an error

std::string_view expectation(TextKind kind) {
  switch (kind) {
    case TextKind::text:
      return "must be a string";
    case TextKind::number:
      return "must be a number";
    case TextKind::number_or_text:
      return "must be a number or a string";
  }
  return {};
}

// The reason why a text cannot be JSON, found before the parser reads it.
std::optional<std::string> not_json(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) return "JSON must not start with a byte order mark";
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return "The body is empty";
  return std::nullopt;
}

std::string what_is_wrong(simdjson::error_code code) {
  if (code == simdjson::UTF8_ERROR) return "The body is not valid UTF-8";
  if (code == simdjson::UNCLOSED_STRING) return "The body ends within a string";
  if (code == simdjson::UNESCAPED_CHARS) return "A string has a control character that is not escaped";
  return {};
}

// `text` lies in the workspace. Not an object: is it at least JSON?
std::unexpected<Error> decode_other(simdjson::ondemand::document& document, std::string_view text) {
  if (!text.starts_with('[')) {
    const std::string_view token = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    const bool literal = token == "true" || token == "false" || token == "null";
    const bool quoted = token.starts_with('"') && token.size() > 1 && token.find('"', 1) == token.size() - 1;
    if (!literal && !quoted && !is_json_number(token)) return malformed({});
    return broken_rule("", FieldRule::wrong_type, "must be an object");
  }
  simdjson::ondemand::array elements;
  if (document.get_array().get(elements) != simdjson::SUCCESS) return malformed({});
  for (auto element : elements) {
    value inner;
    if (element.get(inner) != simdjson::SUCCESS || !skip_value(inner, 1)) return malformed({});
  }
  if (!is_read_up(document)) return malformed({});
  return broken_rule("", FieldRule::wrong_type, "must be an object");
}

}  // namespace

std::unexpected<Error> malformed(std::string detail) {
  return std::unexpected(Error{ErrorCode::malformed_json, std::move(detail)});
}

std::unexpected<Error> malformed_at(std::string_view name) {
  if (name.empty()) return malformed({});
  Error error{ErrorCode::malformed_json, "The body is not valid JSON at or after the member " + pointer_to(name)};
  error.fields.push_back({pointer_to(name), name == "amount" ? FieldRule::not_a_number : FieldRule::wrong_type,
                          "is not a valid JSON value"});
  return std::unexpected(std::move(error));
}

std::unexpected<Error> broken_rule(std::string pointer, FieldRule rule, std::string detail) {
  return std::unexpected(Error{ErrorCode::validation_failed, {}, {{std::move(pointer), rule, std::move(detail)}}});
}

std::string pointer_to(std::string_view name) {
  if (name.size() > kMaxNameShown) {
    std::size_t end = kMaxNameShown;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
    name = name.substr(0, end);
  }
  return domain::json_pointer("/", name);
}

void MemberErrors::add(std::string_view name, FieldRule rule, std::string_view detail) {
  if (errors_.size() < kMaxErrors) errors_.push_back({pointer_to(name), rule, std::string(detail)});
}

bool read_text(std::string_view name, value& v, TextKind kind, std::optional<std::string_view>& slot,
               MemberErrors& errors) {
  json_type type{};
  if (v.type().get(type) != simdjson::SUCCESS) return false;
  std::string_view text;
  if (type == json_type::string && kind != TextKind::number) {
    if (!read_string(v, text)) return false;
    slot = text;
    return true;
  }
  if (type == json_type::number && kind != TextKind::text) {
    text = token_of(v);
    slot = text;
    return is_json_number(text);
  }
  if (type != json_type::null) errors.add(name, FieldRule::wrong_type, expectation(kind));
  return skip_value(v, 0);
}

std::expected<object, Error> open_object(std::string_view text, simdjson::ondemand::document& document) {
  if (const auto problem = not_json(text)) return malformed(*problem);
  if (const auto error = JsonWorkspace::of_this_thread().iterate(text).get(document); error != simdjson::SUCCESS) {
    return malformed(what_is_wrong(error));
  }
  text.remove_prefix(text.find_first_not_of(" \t\r\n"));
  if (!text.starts_with('{')) return decode_other(document, text);
  object members;
  if (document.get_object().get(members) != simdjson::SUCCESS) return malformed("The body ends within an object");
  return members;
}

}  // namespace tps::wire
