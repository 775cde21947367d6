#include "http/json_reader.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <string>
#include <utility>

#include "http/json_value.hpp"

namespace tps::http {
namespace {

using domain::Draft;
using domain::Error;
using domain::ErrorCode;
using domain::FieldRule;
using simdjson::ondemand::json_type;
using simdjson::ondemand::object;
using simdjson::ondemand::value;

constexpr std::size_t kMaxErrors = 50;     // of one item; more say nothing new
constexpr std::size_t kMaxNameShown = 64;  // bytes of an unknown member's name in an error

std::unexpected<Error> malformed(std::string detail) {
  return std::unexpected(Error{ErrorCode::malformed_json, std::move(detail)});
}

std::unexpected<Error> broken_rule(std::string pointer, FieldRule rule, std::string detail) {
  return std::unexpected(Error{ErrorCode::validation_failed, {}, {{std::move(pointer), rule, std::move(detail)}}});
}

enum class Kind : std::uint8_t { text, number, number_or_text };

struct Member {
  std::string_view name;
  Kind kind;
  std::optional<std::string_view> Draft::* slot;
};

constexpr std::array kMembers{
    Member{"user_id", Kind::text, &Draft::user_id},
    Member{"amount", Kind::number_or_text, &Draft::amount},
    Member{"currency", Kind::text, &Draft::currency},
    Member{"type", Kind::text, &Draft::type},
    Member{"to_user_id", Kind::text, &Draft::to_user_id},
    Member{"capture", Kind::text, &Draft::capture},
    Member{"hold_expires_in", Kind::number, &Draft::hold_expires_in},
    Member{"reference", Kind::text, &Draft::reference},
    Member{"description", Kind::text, &Draft::description},
    Member{"idempotency_key", Kind::text, &Draft::idempotency_key},  // batch items only
};
constexpr std::size_t kMetadata = kMembers.size();  // the member that is neither text nor number
constexpr std::size_t kUnknown = kMembers.size() + 1;

constexpr std::array<std::string_view, 7> kReadOnly{"id",      "status",    "created_at",     "settled_at",
                                                    "failure", "parent_id", "hold_expires_at"};

std::size_t member_index(std::string_view name, bool in_batch) {
  if (name == "metadata") return kMetadata;
  for (std::size_t i = 0; i < kMembers.size(); ++i) {
    if (kMembers[i].name == name) return kMembers[i].slot != &Draft::idempotency_key || in_batch ? i : kUnknown;
  }
  return kUnknown;
}

// Cut to a decent length.
std::string pointer_to(std::string_view name) {
  if (name.size() > kMaxNameShown) {
    std::size_t end = kMaxNameShown;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
    name = name.substr(0, end);
  }
  return domain::json_pointer("/", name);
}

std::string_view expectation(Kind kind) {
  switch (kind) {
    case Kind::text:
      return "must be a string";
    case Kind::number:
      return "must be a number";
    case Kind::number_or_text:
      return "must be a number or a string";
  }
  return {};
}

// `name` is that of the last member seen, "" before the first.
std::unexpected<Error> malformed_at(std::string_view name) {
  if (name.empty()) return malformed({});
  Error error{ErrorCode::malformed_json, "The body is not valid JSON at or after the member " + pointer_to(name)};
  error.fields.push_back({pointer_to(name), name == "amount" ? FieldRule::not_a_number : FieldRule::wrong_type,
                          "is not a valid JSON value"});
  return std::unexpected(std::move(error));
}

// Hands each member with its name to `read_member`, which returns false when it is not JSON.
template <class ReadMember>
std::expected<void, Error> read_members(object& members, ReadMember read_member) {
  for (auto member : members) {
    std::string_view name;
    value v;
    if (!read_name(member, name)) return malformed({});
    if (member.value().get(v) != simdjson::SUCCESS || !read_member(name, v)) return malformed_at(name);
  }
  return {};
}

// Decodes one object. The private methods return false when the JSON is malformed; `at_` is the member's name.
class ItemReader {
 public:
  explicit ItemReader(bool in_batch) : in_batch_(in_batch) {}

  DecodeResult read(object& members) {
    const auto read = read_members(members, [this](std::string_view name, value& v) {
      at_ = name;
      return read_member(name, v);
    });
    if (!read) return std::unexpected(read.error());
    return std::move(decoded_);
  }

 private:
  void add(FieldRule rule, std::string_view detail) {
    if (decoded_.errors.size() < kMaxErrors) decoded_.errors.push_back({pointer_to(at_), rule, std::string(detail)});
  }

  bool read_member(std::string_view name, value& v) {
    const std::size_t index = member_index(name, in_batch_);
    if (index == kUnknown) {
      if (std::ranges::find(kReadOnly, name) != kReadOnly.end()) {
        add(FieldRule::read_only, "is set by the server");
      } else if (name == "idempotency_key") {
        add(FieldRule::unknown_member, "is for items of a batch; here, send the header Idempotency-Key");
      } else {
        add(FieldRule::unknown_member, "is not a member of a transaction");
      }
      return skip_value(v, 0);
    }
    if (seen_.test(index)) {
      add(FieldRule::duplicate_member, "must come once");
      return skip_value(v, 0);
    }
    seen_.set(index);
    return index == kMetadata ? read_metadata(v) : read_scalar(kMembers[index], v);
  }

  bool read_scalar(const Member& member, value& v) {
    json_type type{};
    if (v.type().get(type) != simdjson::SUCCESS) return false;
    std::string_view text;
    if (type == json_type::string && member.kind != Kind::number) {
      if (!read_string(v, text)) return false;
      decoded_.draft.*member.slot = text;
      return true;
    }
    if (type == json_type::number && member.kind != Kind::text) {
      text = token_of(v);
      decoded_.draft.*member.slot = text;
      return is_json_number(text);
    }
    if (type != json_type::null) add(FieldRule::wrong_type, expectation(member.kind));
    return skip_value(v, 0);
  }

  bool read_metadata(value& v) {
    json_type type{};
    if (v.type().get(type) != simdjson::SUCCESS) return false;
    if (type != json_type::object) {
      if (type != json_type::null) add(FieldRule::wrong_type, "must be an object of strings");
      return skip_value(v, 0);
    }
    object pairs;
    if (v.get_object().get(pairs) != simdjson::SUCCESS) return false;
    auto& metadata = decoded_.draft.metadata.emplace();
    FieldRule fault{};
    std::string_view detail;
    for (auto pair : pairs) {
      std::string_view name;
      value inner;
      if (!read_name(pair, name)) return false;
      if (pair.value().get(inner) != simdjson::SUCCESS || !read_pair(name, inner, metadata, fault, detail))
        return false;
    }
    if (!detail.empty()) add(fault, detail);
    return true;
  }

  // Beyond one pair too many nothing is kept: the domain will refuse the number, and the look for doubles stays short.
  static bool read_pair(std::string_view name, value& v, std::vector<std::pair<std::string_view, std::string_view>>& to,
                        FieldRule& fault, std::string_view& detail) {
    json_type type{};
    if (v.type().get(type) != simdjson::SUCCESS) return false;
    if (type != json_type::string) {
      fault = FieldRule::wrong_type;
      detail = "must be an object of strings";
      return skip_value(v, 1);
    }
    std::string_view text;
    if (!read_string(v, text)) return false;
    if (to.size() > domain::kMaxMetadataPairs) return true;
    if (std::ranges::any_of(to, [&](const auto& pair) { return pair.first == name; })) {
      fault = FieldRule::duplicate_member;
      detail = "has a member that comes twice";
    }
    to.emplace_back(name, text);
    return true;
  }

  const bool in_batch_;
  Decoded decoded_;
  std::bitset<kMembers.size() + 1> seen_;
  std::string_view at_;
};

// Decodes the body of an account update.
class AccountReader {
 public:
  std::expected<DecodedAccount, Error> read(object& members) {
    const auto read = read_members(members, [this](std::string_view name, value& v) { return read_member(name, v); });
    if (!read) return std::unexpected(read.error());
    return std::move(decoded_);
  }

 private:
  void add(std::string_view name, FieldRule rule, std::string_view detail) {
    if (decoded_.errors.size() < kMaxErrors) decoded_.errors.push_back({pointer_to(name), rule, std::string(detail)});
  }

  bool read_member(std::string_view name, value& v) {
    const bool is_limit = name == "overdraft_limit";
    if (!is_limit && name != "frozen") {
      add(name, FieldRule::unknown_member, "is not a member of an account update");
      return skip_value(v, 0);
    }
    if (std::exchange(is_limit ? limit_seen_ : frozen_seen_, true)) {
      add(name, FieldRule::duplicate_member, "must come once");
      return skip_value(v, 0);
    }
    return is_limit ? read_limit(v) : read_frozen(v);
  }

  bool read_limit(value& v) {
    json_type type{};
    if (v.type().get(type) != simdjson::SUCCESS) return false;
    std::string_view text;
    if (type == json_type::string) {
      if (!read_string(v, text)) return false;
    } else if (type == json_type::number) {
      text = token_of(v);
      if (!is_json_number(text)) return false;
    } else {
      if (type != json_type::null) {
        add("overdraft_limit", FieldRule::wrong_type, expectation(Kind::number_or_text));
      }
      return skip_value(v, 0);
    }
    decoded_.draft.overdraft_limit = text;
    return true;
  }

  bool read_frozen(value& v) {
    json_type type{};
    if (v.type().get(type) != simdjson::SUCCESS) return false;
    if (type == json_type::boolean) {
      bool frozen = false;
      if (v.get_bool().get(frozen) != simdjson::SUCCESS) return false;
      decoded_.draft.frozen = frozen;
      return true;
    }
    if (type != json_type::null) add("frozen", FieldRule::wrong_type, "must be true or false");
    return skip_value(v, 0);
  }

  DecodedAccount decoded_;
  bool limit_seen_ = false;
  bool frozen_seen_ = false;
};

// What is wrong with a text before any of it is read as JSON.
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

// By a reader that has `read(object&)`.
template <class Reader>
auto decode_object(std::string_view text, Reader reader) -> decltype(reader.read(std::declval<object&>())) {
  if (const auto problem = not_json(text)) return malformed(*problem);
  simdjson::ondemand::document document;
  if (const auto error = JsonWorkspace::of_this_thread().iterate(text).get(document); error != simdjson::SUCCESS) {
    return malformed(what_is_wrong(error));
  }
  text.remove_prefix(text.find_first_not_of(" \t\r\n"));
  if (!text.starts_with('{')) return decode_other(document, text);
  object members;
  if (document.get_object().get(members) != simdjson::SUCCESS) return malformed("The body ends within an object");
  auto decoded = reader.read(members);
  if (decoded && !is_read_up(document)) return malformed("There is something after the end of the object");
  return decoded;
}

DecodeResult decode_element(value& v) {
  json_type type{};
  if (v.type().get(type) != simdjson::SUCCESS) return malformed({});
  if (type != json_type::object) {
    if (!skip_value(v, 1)) return malformed({});
    return broken_rule("", FieldRule::wrong_type, "must be an object");
  }
  object members;
  if (v.get_object().get(members) != simdjson::SUCCESS) return malformed({});
  return ItemReader(true).read(members);
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

DecodeResult decode_transaction(std::string_view body) {
  return decode_object(JsonWorkspace::of_this_thread().load(body), ItemReader(false));
}

std::expected<DecodedAccount, Error> decode_account(std::string_view body) {
  return decode_object(JsonWorkspace::of_this_thread().load(body), AccountReader());
}

std::expected<void, Error> decode_batch(std::string_view body, std::size_t max_items, const ItemSink& sink) {
  const std::string_view text = JsonWorkspace::of_this_thread().load(body);
  if (const auto problem = not_json(text)) return malformed(*problem);
  simdjson::ondemand::document document;
  if (const auto error = JsonWorkspace::of_this_thread().iterate(text).get(document); error != simdjson::SUCCESS) {
    return malformed(what_is_wrong(error));
  }
  if (text[text.find_first_not_of(" \t\r\n")] != '{') {
    return decode_other(document, text.substr(text.find_first_not_of(" \t\r\n")));
  }
  object members;
  if (document.get_object().get(members) != simdjson::SUCCESS) return malformed("The body ends within an object");
  bool seen = false;
  for (auto member : members) {
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
    sink(decode_object(line, ItemReader(true)));
  }
  if (count == 0) return broken_rule("/transactions", FieldRule::too_short, "must have at least one item");
  return {};
}

}  // namespace tps::http
