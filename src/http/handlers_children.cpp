// POST /transactions/{id}/capture, /void and /reverse: what is done to a transaction that is there.
#include "http/created.hpp"
#include "http/handlers.hpp"
#include "http/idempotency_key.hpp"
#include "http/json_reader.hpp"
#include "http/list_query.hpp"
#include "http/media_type.hpp"
#include "http/problem.hpp"
#include "http/query.hpp"

namespace tps::http {
namespace {

using domain::Error;
using domain::ErrorCode;

// The body may be left out, and then needs no type.
std::expected<std::optional<service::IdempotencyKey>, Error> read_head(const Request& request) {
  if (auto refused = refuse_parameters(request.query)) return std::unexpected(std::move(*refused));
  if (!request.body.empty() && body_kind(request) != BodyKind::json) {
    return std::unexpected(Error{ErrorCode::unsupported_media_type, {}});
  }
  auto key = idempotency_key_of(request);
  if (!key) return std::unexpected(std::move(key.error()));
  if (!*key) return std::nullopt;
  return service::IdempotencyKey{std::move(**key), std::nullopt};
}

service::Answer<service::Instruction> decode_child(domain::Type type, const domain::Transaction& parent,
                                                   std::optional<service::IdempotencyKey> key, const Call& call) {
  auto decoded = call.request.body.empty() ? DecodeResult(Decoded{}) : decode_transaction(call.request.body);
  if (!decoded) return std::unexpected(std::move(decoded.error()));
  auto child =
      domain::validate_child(type, parent, decoded->draft, call.services.currencies, std::move(decoded->errors));
  if (!child) return std::unexpected(Error{ErrorCode::validation_failed, {}, std::move(child.error())});
  return service::Instruction{std::move(*child), std::move(key)};
}

ResponseTask create_child(domain::Type type, Call call) {
  auto key = read_head(call.request);
  if (!key) co_return problem(key.error(), call.request);
  const auto parent_id = parse_id(call.parameters[0]);
  if (!parent_id) co_return problem({ErrorCode::not_found, "Transaction not found"}, call.request);
  // The body is decoded in one go with the submission: what is decoded lives until another request's is.
  const service::Transactions::MakeChild make = [&](const domain::Transaction& parent) {
    return decode_child(type, parent, std::move(*key), call);
  };
  auto submitted =
      co_await call.services.transactions->submit_child(type, *parent_id, make, call.caller, call.request.deadline);
  if (!submitted) co_return problem(submitted.error(), call.request);
  const auto waited = co_await wait_as_preferred(*submitted, call);
  co_return created(*submitted, waited, call.services);
}

}  // namespace

ResponseTask capture_transaction(Call call) { return create_child(domain::Type::capture, call); }
ResponseTask void_transaction(Call call) { return create_child(domain::Type::void_, call); }
ResponseTask reverse_transaction(Call call) { return create_child(domain::Type::reversal, call); }

}  // namespace tps::http
