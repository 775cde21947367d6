#include "domain/transaction.hpp"

#include <array>

#include "domain/names.hpp"

namespace tps::domain {
namespace {

constexpr std::array kTypes{
    Name{Type::deposit, "deposit"},   Name{Type::withdrawal, "withdrawal"},
    Name{Type::transfer, "transfer"}, Name{Type::capture, "capture"},
    Name{Type::void_, "void"},        Name{Type::expiry, "expiry"},
    Name{Type::reversal, "reversal"}, Name{Type::account_update, "account_update"},
};
constexpr std::array kStatuses{
    Name{Status::pending, "pending"},       Name{Status::settled, "settled"}, Name{Status::failed, "failed"},
    Name{Status::authorized, "authorized"}, Name{Status::voided, "voided"},   Name{Status::expired, "expired"},
};
constexpr std::array kFailures{
    Name{Failure::unprocessable, "unprocessable"},
    Name{Failure::invalid_parent_state, "invalid_parent_state"},
    Name{Failure::capture_exceeds_hold, "capture_exceeds_hold"},
    Name{Failure::reversal_exceeds_original, "reversal_exceeds_original"},
    Name{Failure::insufficient_funds, "insufficient_funds"},
    Name{Failure::account_frozen, "account_frozen"},
    Name{Failure::balance_overflow, "balance_overflow"},
};
constexpr std::array kCaptures{Name{Capture::automatic, "automatic"}, Name{Capture::manual, "manual"}};

static_assert(is_complete(kTypes, Type::account_update));
static_assert(is_complete(kStatuses, Status::expired) && kStatuses.size() == kStatusCount);
static_assert(is_complete(kFailures, Failure::balance_overflow));
static_assert(is_complete(kCaptures, Capture::manual));

}  // namespace

std::string_view slug(Type type) { return text_of(kTypes, type); }
std::string_view slug(Status status) { return text_of(kStatuses, status); }
std::string_view slug(Failure failure) { return text_of(kFailures, failure); }
std::string_view slug(Capture capture) { return text_of(kCaptures, capture); }
std::optional<Type> parse_type(std::string_view text) { return value_of(kTypes, text); }
std::optional<Status> parse_status(std::string_view text) { return value_of(kStatuses, text); }
std::optional<Failure> parse_failure(std::string_view text) { return value_of(kFailures, text); }
std::optional<Capture> parse_capture(std::string_view text) { return value_of(kCaptures, text); }

bool has_control_characters(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    // U+0080..U+009F is C2 80 .. C2 9F in UTF-8.
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

bool is_same_entry(const Transaction& one, const Transaction& other) {
  return one.id == other.id && one.created_at == other.created_at && one.type == other.type &&
         one.user_id == other.user_id && one.to_user_id == other.to_user_id && one.amount_minor == other.amount_minor &&
         one.currency == other.currency && one.capture == other.capture && one.parent_id == other.parent_id &&
         one.created_by == other.created_by;
}

}  // namespace tps::domain
