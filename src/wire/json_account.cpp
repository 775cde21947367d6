// The body of an account update (http/json_reader.hpp, decode_account).
#include <utility>

#include "wire/json_object.hpp"
#include "wire/json_reader.hpp"

namespace tps::wire {
namespace {

using domain::Error;
using domain::FieldRule;
using simdjson::ondemand::json_type;
using simdjson::ondemand::object;
using simdjson::ondemand::value;

// Decodes the body of an account update.
class AccountReader {
 public:
  std::expected<DecodedAccount, Error> read(object& members) {
    const auto read = read_members(members, [this](std::string_view name, value& v) { return read_member(name, v); });
    if (!read) return std::unexpected(read.error());
    decoded_.errors = errors_.take();
    return std::move(decoded_);
  }

 private:
  bool read_member(std::string_view name, value& v) {
    const bool is_limit = name == "overdraft_limit";
    if (!is_limit && name != "frozen") {
      errors_.add(name, FieldRule::unknown_member, "is not a member of an account update");
      return skip_value(v, 0);
    }
    if (std::exchange(is_limit ? limit_seen_ : frozen_seen_, true)) {
      errors_.add(name, FieldRule::duplicate_member, "must come once");
      return skip_value(v, 0);
    }
    if (!is_limit) return read_frozen(v);
    return read_text(name, v, TextKind::number_or_text, decoded_.draft.overdraft_limit, errors_);
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
    if (type != json_type::null) errors_.add("frozen", FieldRule::wrong_type, "must be true or false");
    return skip_value(v, 0);
  }

  DecodedAccount decoded_;
  MemberErrors errors_;
  bool limit_seen_ = false;
  bool frozen_seen_ = false;
};

}  // namespace

std::expected<DecodedAccount, Error> decode_account(std::string_view body) {
  return decode_object(JsonWorkspace::of_this_thread().load(body),
                       [](object& members) { return AccountReader().read(members); });
}

}  // namespace tps::wire
