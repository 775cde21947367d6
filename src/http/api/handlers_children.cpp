// POST /transactions/{id}/capture, /void and /reverse: what is done to a transaction that is there.
#include "http/api/answers.hpp"
#include "http/api/created.hpp"
#include "http/api/handlers.hpp"
#include "http/api/json_head.hpp"
#include "http/api/parameters.hpp"
#include "wire/json_reader.hpp"

namespace tps::http {
namespace {

using domain::Error;
using domain::ErrorCode;

domain::Answer<service::Instruction> decode_child(domain::Type type, const domain::Transaction& parent,
                                                  std::optional<service::IdempotencyKey> key, const Call& call) {
  auto decoded =
      call.request.body.empty() ? wire::DecodeResult(wire::Decoded{}) : wire::decode_transaction(call.request.body);
  if (!decoded) return std::unexpected(std::move(decoded.error()));
  auto child =
      domain::validate_child(type, parent, decoded->draft, call.services.currencies, std::move(decoded->errors));
  if (!child) return std::unexpected(Error{ErrorCode::validation_failed, {}, std::move(child.error())});
  return service::Instruction{std::move(*child), std::move(key)};
}

ResponseTask create_child(domain::Type type, Call call) {
  auto key = json_head(call.request, JsonBody::optional);
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
