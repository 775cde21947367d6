// The transaction: the one structure that JSON, SQL and the cache are encodings of.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/currency.hpp"
#include "domain/error.hpp"

namespace tps::domain {

using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;
using Hash128 = std::array<std::uint8_t, 16>;

// Enumerators carry the names that are on the wire and in the database, but for void (a keyword).
enum class Type : std::uint8_t { deposit, withdrawal, transfer, capture, void_, expiry, reversal, account_update };

// pending -> settled | failed, or -> authorized | failed and then -> settled | voided | expired.
enum class Status : std::uint8_t { pending, settled, failed, authorized, voided, expired };
inline constexpr std::size_t kStatusCount = 6;

// Why a transaction failed, in order of precedence: when several hold, the first is recorded. Permanent failures come
// before those that another deposit could avoid.
enum class Failure : std::uint8_t {
  unprocessable,
  invalid_parent_state,
  capture_exceeds_hold,
  reversal_exceeds_original,
  insufficient_funds,
  account_frozen,
  balance_overflow,
};

enum class Capture : std::uint8_t { automatic, manual };

std::string_view slug(Type type);
std::string_view slug(Status status);
std::string_view slug(Failure failure);
std::string_view slug(Capture capture);
std::optional<Type> parse_type(std::string_view text);
std::optional<Status> parse_status(std::string_view text);
std::optional<Failure> parse_failure(std::string_view text);
std::optional<Capture> parse_capture(std::string_view text);

// Final states never change again, and neither does the body shown for them (G6): only these may be cached.
constexpr bool is_final(Status status) { return status != Status::pending && status != Status::authorized; }

// id = (partition << 45) | sequence: below 2^53 (exact in JavaScript) for up to 256 partitions.
inline constexpr int kSequenceBits = 45;
inline constexpr std::uint32_t kMaxPartitions = 256;
constexpr std::int64_t id_before_first(std::uint32_t partition) { return std::int64_t{partition} << kSequenceBits; }
constexpr std::int64_t sequence_of_id(std::int64_t id) { return id & (id_before_first(1) - 1); }
constexpr std::uint32_t partition_of_id(std::int64_t id) { return static_cast<std::uint32_t>(id >> kSequenceBits); }

struct Transaction {
  // Set when the transaction is accepted.
  std::int64_t id = 0;
  Timestamp created_at{};

  // The instruction. Immutable once accepted.
  std::uint32_t partition = 0;
  Type type = Type::deposit;
  std::string user_id;
  std::optional<std::string> to_user_id;      // transfers, and captures and reversals of them
  std::optional<std::uint32_t> to_partition;  // the partition of to_user_id's accounts
  std::int64_t amount_minor = 0;
  std::string currency;  // upper case
  std::optional<std::int64_t> parent_id;
  Capture capture = Capture::automatic;
  // Manual capture only. Until the transaction is accepted, created_at is 0 and this counts from there: the time to
  // live.
  std::optional<Timestamp> hold_expires_at;
  std::optional<std::int64_t> overdraft_limit;  // account_update: minor units; nullopt leaves it as it is
  std::optional<bool> frozen;                   // account_update: nullopt leaves it as it is
  std::optional<Hash128> idempotency_hash;      // SHA-256/128 of (principal, user_id, key)
  std::optional<Hash128> content_hash;          // over the canonical members, the route and the parent
  std::optional<std::string> reference;
  std::optional<std::string> description;
  std::optional<std::string> metadata;  // canonical JSON object of strings, as stored and as shown
  std::string created_by;               // the principal: a stable subject, never a credential's id

  // From the settlement log; pending until it is there. Of a transaction with manual capture that was authorized, the
  // status of its hold, and settled_at once that is closed.
  Status status = Status::pending;
  std::optional<Failure> failure;
  std::optional<Timestamp> settled_at;

  bool operator==(const Transaction&) const = default;
};

// Whether both are the same entry of the same log. Another history of a store can have another entry under an id.
bool is_same_entry(const Transaction& one, const Transaction& other);

// Limits of the members, in bytes unless said otherwise.
inline constexpr std::size_t kMaxUserIdBytes = 128;
inline constexpr std::size_t kMaxReferenceBytes = 255;
inline constexpr std::size_t kMaxDescriptionBytes = 1000;
inline constexpr std::size_t kMaxMetadataPairs = 50;
inline constexpr std::size_t kMaxMetadataKeyBytes = 40;
inline constexpr std::size_t kMaxMetadataValueBytes = 500;
inline constexpr std::chrono::seconds kDefaultHold = std::chrono::days(7);
inline constexpr std::chrono::seconds kLongestHold = std::chrono::days(365);

// A transaction as the client wrote it, before any rule was checked. Views into the request's body, which must outlive
// it. Text is known to be valid UTF-8 (the decoder saw to it).
struct Draft {
  std::optional<std::string_view> user_id;
  std::optional<std::string_view> amount;  // the raw token of a JSON number, or the text of a string
  std::optional<std::string_view> currency;
  std::optional<std::string_view> type;
  std::optional<std::string_view> to_user_id;
  std::optional<std::string_view> capture;
  std::optional<std::string_view> hold_expires_in;  // the raw token
  std::optional<std::string_view> reference;
  std::optional<std::string_view> description;
  std::optional<std::vector<std::pair<std::string_view, std::string_view>>> metadata;
  std::optional<std::string_view> idempotency_key;  // batch items only
};

// A change of an account as the client wrote it.
struct AccountDraft {
  std::optional<std::string_view> overdraft_limit;  // the raw token of a JSON number, or the text of a string
  std::optional<bool> frozen;
};

// Each checks every rule of the contract and reports all that are broken, in the order of the members above.
// Members already in `decode_errors` (wrong type, say) are not reported a second time; all of
// `decode_errors` come first in the answer. On success the transaction has no id, time, partition,
// hashes or created_by yet: those belong to the service.
using Validated = std::expected<Transaction, std::vector<FieldError>>;
Validated validate(const Draft& draft, const Currencies& currencies, std::vector<FieldError> decode_errors = {});

// A capture, void or reversal (`type`) of `parent`, which must be one that is_possible_parent() allows. Of the draft
// only amount (not for a void), reference, description and metadata may be set; an amount left out is the parent's.
Validated validate_child(Type type, const Transaction& parent, const Draft& draft, const Currencies& currencies,
                         std::vector<FieldError> decode_errors = {});

// Whether a transaction like `parent` can ever be captured, voided or reversed, whatever its status: captures and voids
// are of transactions with manual capture, reversals of deposits, withdrawals, transfers (all without it) and captures.
bool is_possible_parent(Type type, const Transaction& parent);

// An account_update of the account (user_id, currency).
Validated validate_account_update(std::string_view user_id, const Currency& currency, const AccountDraft& draft,
                                  std::vector<FieldError> decode_errors = {});

// True if `text` has a C0 control, DEL, or a C1 control (U+0080..U+009F).
bool has_control_characters(std::string_view text);

}  // namespace tps::domain
