// The bodies and items that are a transaction (http/json_reader.hpp).
#include "wire/json_transaction.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <string>
#include <utility>

#include "wire/ascii.hpp"
#include "wire/json_object.hpp"

namespace tps::wire {
namespace {

using domain::Draft;
using domain::Error;
using domain::FieldRule;
using simdjson::ondemand::json_type;
using simdjson::ondemand::object;
using simdjson::ondemand::value;

struct Member {
  std::string_view name;
  TextKind kind;
  std::optional<std::string_view> Draft::* slot;
};

constexpr std::array kMembers{
    Member{"user_id", TextKind::text, &Draft::user_id},
    Member{"amount", TextKind::number_or_text, &Draft::amount},
    Member{"currency", TextKind::text, &Draft::currency},
    Member{"type", TextKind::text, &Draft::type},
    Member{"to_user_id", TextKind::text, &Draft::to_user_id},
    Member{"capture", TextKind::text, &Draft::capture},
    Member{"hold_expires_in", TextKind::number, &Draft::hold_expires_in},
    Member{"reference", TextKind::text, &Draft::reference},
    Member{"description", TextKind::text, &Draft::description},
    Member{"idempotency_key", TextKind::text, &Draft::idempotency_key},  // batch items only
};
constexpr std::size_t kMetadata = kMembers.size();  // the member that is neither text nor number
constexpr std::size_t kUnknown = kMembers.size() + 1;

constexpr std::array<std::string_view, 7> kReadOnly{"id",      "status",    "created_at",     "settled_at",
                                                    "failure", "parent_id", "hold_expires_at"};

bool is_read_only(std::string_view name) { return std::ranges::find(kReadOnly, name) != kReadOnly.end(); }

std::size_t member_index(std::string_view name, bool in_batch) {
  if (name == "metadata") return kMetadata;
  for (std::size_t i = 0; i < kMembers.size(); ++i) {
    if (kMembers[i].name == name) return kMembers[i].slot != &Draft::idempotency_key || in_batch ? i : kUnknown;
  }
  return kUnknown;
}

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

// Decodes the object that metadata is. The private method returns false when the JSON is malformed.
class PairsReader {
 public:
  struct Fault {
    FieldRule rule;
    std::string_view detail;
  };

  explicit PairsReader(Pairs& to) : to_(to) {}

  std::expected<void, Error> read(object& pairs) {
    return read_members(pairs, [this](std::string_view name, value& v) { return read_pair(name, v); });
  }

  [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }

 private:
  // Beyond one pair too many nothing is kept: the domain will refuse the number, and the look for doubles stays short.
  bool read_pair(std::string_view name, value& v) {
    json_type type{};
    if (v.type().get(type) != simdjson::SUCCESS) return false;
    if (type != json_type::string) {
      fault_ = {FieldRule::wrong_type, "must be an object of strings"};
      return skip_value(v, 1);
    }
    std::string_view text;
    if (!read_string(v, text)) return false;
    if (to_.size() > domain::kMaxMetadataPairs) return true;
    if (std::ranges::any_of(to_, [&](const auto& pair) { return pair.first == name; })) {
      fault_ = {FieldRule::duplicate_member, "has a member that comes twice"};
    }
    to_.emplace_back(name, text);
    return true;
  }

  Pairs& to_;
  std::optional<Fault> fault_;
};

// Decodes one object. The private methods return false when the JSON is malformed.
class ItemReader {
 public:
  explicit ItemReader(bool in_batch) : in_batch_(in_batch) {}

  DecodeResult read(object& members) {
    const auto read = read_members(members, [this](std::string_view name, value& v) { return read_member(name, v); });
    if (!read) return std::unexpected(read.error());
    decoded_.errors = errors_.take();
    return std::move(decoded_);
  }

 private:
  bool read_member(std::string_view name, value& v) {
    const std::size_t index = member_index(name, in_batch_);
    if (index == kUnknown) {
      if (is_read_only(name)) {
        errors_.add(name, FieldRule::read_only, "is set by the server");
      } else if (name == "idempotency_key") {
        errors_.add(name, FieldRule::unknown_member, "is for items of a batch; here, send the header Idempotency-Key");
      } else {
        errors_.add(name, FieldRule::unknown_member, "is not a member of a transaction");
      }
      return skip_value(v, 0);
    }
    if (seen_.test(index)) {
      errors_.add(name, FieldRule::duplicate_member, "must come once");
      return skip_value(v, 0);
    }
    seen_.set(index);
    if (index == kMetadata) return read_metadata(v);
    const Member& member = kMembers[index];
    return read_text(name, v, member.kind, decoded_.draft.*member.slot, errors_);
  }

  bool read_metadata(value& v) {
    json_type type{};
    if (v.type().get(type) != simdjson::SUCCESS) return false;
    if (type != json_type::object) {
      if (type != json_type::null) errors_.add("metadata", FieldRule::wrong_type, "must be an object of strings");
      return skip_value(v, 0);
    }
    object pairs;
    if (v.get_object().get(pairs) != simdjson::SUCCESS) return false;
    PairsReader reader(decoded_.draft.metadata.emplace());
    if (!reader.read(pairs)) return false;
    if (const auto& fault = reader.fault()) errors_.add("metadata", fault->rule, fault->detail);
    return true;
  }

  const bool in_batch_;
  Decoded decoded_;
  MemberErrors errors_;
  std::bitset<kMembers.size() + 1> seen_;
};

}  // namespace

DecodeResult read_transaction(object& members, bool in_batch) { return ItemReader(in_batch).read(members); }

DecodeResult decode_transaction(std::string_view body) {
  return decode_object(JsonWorkspace::of_this_thread().load(body),
                       [](object& members) { return read_transaction(members, false); });
}

std::optional<FieldRule> flaw_of_member(std::string_view name) {
  if (member_index(name, true) != kUnknown) return std::nullopt;
  return is_read_only(name) ? FieldRule::read_only : FieldRule::unknown_member;
}

bool is_metadata(std::string_view text) {
  if (trim(text) == "null") return true;
  Pairs found;
  PairsReader reader(found);
  const auto read = decode_object(JsonWorkspace::of_this_thread().load(text),
                                  [&reader](object& pairs) { return reader.read(pairs); });
  return read.has_value() && !reader.fault();
}

}  // namespace tps::wire
