// JSON in: the bodies that clients send, as drafts. Says what is malformed (400) and which members are of the wrong
// kind, unknown, doubled or not for clients to set; whether values are good is the domain's business.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "domain/error.hpp"
#include "domain/transaction.hpp"

namespace tps::wire {

struct Decoded {
  domain::Draft draft;                     // views that live until the next decode on this thread
  std::vector<domain::FieldError> errors;  // for domain::validate
};

using DecodeResult = std::expected<Decoded, domain::Error>;

// One transaction. A member that is null counts as absent. Errors: malformed_json; validation_failed when the body is
// JSON but not an object.
DecodeResult decode_transaction(std::string_view body);

struct DecodedAccount {
  domain::AccountDraft draft;  // as above
  std::vector<domain::FieldError> errors;
};

// The change of an account that a body asks for; as decode_transaction.
std::expected<DecodedAccount, domain::Error> decode_account(std::string_view body);

// Takes one item of a batch; must be done with the views when it returns.
using ItemSink = std::function<void(DecodeResult)>;

// {"transactions":[...]}: the body as a whole is good or malformed_json / validation_failed; items that are not
// good transactions answer for themselves through the sink. More than `max_items`: validation_failed. On an error the
// sink may have been called already.
std::expected<void, domain::Error> decode_batch(std::string_view body, std::size_t max_items, const ItemSink& sink);

// NDJSON: one item a line, blank lines are skipped; a line that is not JSON is that item's malformed_json.
std::expected<void, domain::Error> decode_lines(std::string_view body, std::size_t max_items, const ItemSink& sink);

// The rule that the name of a member of a batch item breaks: read_only, unknown_member, or none.
std::optional<domain::FieldRule> flaw_of_member(std::string_view name);

// Can `text` stand as the member metadata as it is? It is one JSON value, an object of strings or null.
bool is_metadata(std::string_view text);

}  // namespace tps::wire
