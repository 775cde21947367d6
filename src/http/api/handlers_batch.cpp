// POST /transactions/batch: many transactions in one request, each with its own answer.
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "domain/member_rules.hpp"
#include "http/api/answers.hpp"
#include "http/api/handlers.hpp"
#include "http/api/query.hpp"
#include "http/headers/idempotency_key.hpp"
#include "http/headers/media_type.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"
#include "wire/problem.hpp"

namespace tps::http {
namespace {

using domain::Error;
using domain::ErrorCode;
using domain::FieldRule;
using Item = domain::Answer<service::Instruction>;

constexpr std::size_t kUsualResultBytes = 256;
constexpr std::size_t kItemsInOneGo = 500;

Error invalid(std::string name, FieldRule rule, std::string detail) {
  return {ErrorCode::invalid_parameter, {}, {{std::move(name), rule, std::move(detail)}}};
}

std::expected<bool, Error> parse_atomic(const Request& request) {
  static constexpr std::array<std::string_view, 1> kAllowed{"atomic"};
  const auto query = Query::parse(request.query, kAllowed);
  if (!query) return std::unexpected(query.error());
  const std::string* atomic = query->get("atomic");
  if (atomic == nullptr || *atomic == "false") return false;
  if (*atomic == "true") return true;
  return std::unexpected(invalid("atomic", FieldRule::unknown_value, "must be true or false"));
}

// The item's own key, or (header key, index).
std::expected<std::optional<service::IdempotencyKey>, Error> key_of(const domain::Draft& draft,
                                                                    const std::optional<std::string>& header_key,
                                                                    std::size_t index) {
  if (draft.idempotency_key) {
    if (!domain::is_idempotency_key(*draft.idempotency_key)) {
      Error error{ErrorCode::invalid_idempotency_key, {}};
      error.fields.push_back(
          {"/idempotency_key", FieldRule::invalid_characters, "must be 1 to 255 visible ASCII characters"});
      return std::unexpected(std::move(error));
    }
    return service::IdempotencyKey{std::string(*draft.idempotency_key), std::nullopt};
  }
  if (!header_key) return std::nullopt;
  return service::IdempotencyKey{*header_key, static_cast<std::uint32_t>(index)};
}

Item to_item(wire::DecodeResult decoded, const std::optional<std::string>& header_key, std::size_t index,
             const domain::Currencies& currencies) {
  if (!decoded) return std::unexpected(std::move(decoded.error()));
  auto key = key_of(decoded->draft, header_key, index);
  if (!key) return std::unexpected(std::move(key.error()));
  auto transaction = domain::validate(decoded->draft, currencies, std::move(decoded->errors));
  if (!transaction) return std::unexpected(Error{ErrorCode::validation_failed, {}, std::move(transaction.error())});
  return service::Instruction{std::move(*transaction), std::move(*key)};
}

std::expected<std::vector<Item>, Error> decode_items(const Call& call, bool atomic) {
  const BodyKind kind = body_kind(call.request);
  if (kind != BodyKind::json && kind != BodyKind::json_lines) {
    return std::unexpected(
        Error{ErrorCode::unsupported_media_type, "The body must be application/json or application/x-ndjson"});
  }
  const auto header_key = idempotency_key_of(call.request);
  if (!header_key) return std::unexpected(header_key.error());
  const ApiOptions& options = call.services.options;
  const std::size_t max_items = atomic ? options.max_atomic_items : options.max_batch_items;
  std::vector<Item> items;
  const wire::ItemSink sink = [&](wire::DecodeResult decoded) {
    items.push_back(to_item(std::move(decoded), *header_key, items.size(), call.services.currencies));
  };
  const auto read = kind == BodyKind::json ? wire::decode_batch(call.request.body, max_items, sink)
                                           : wire::decode_lines(call.request.body, max_items, sink);
  if (!read) return std::unexpected(read.error());
  return items;
}

void append_result(std::string& out, const domain::Answer<service::Submitted>& answer, const Call& call) {
  if (!answer) {
    out += R"({"status":)";
    wire::append_integer(out, wire::status_of(answer.error().code));
    out += R"(,"problem":)";
    wire::append_problem(out, answer.error(), call.request.path, call.request.request_id);
    out += '}';
    return;
  }
  out += answer->replayed ? R"({"status":201,"replayed":true,"transaction":)" : R"({"status":201,"transaction":)";
  wire::append_transaction(out, answer->transaction, call.services.currencies);
  out += '}';
}

}  // namespace

ResponseTask create_batch(Call call) {
  const auto atomic = parse_atomic(call.request);
  if (!atomic) co_return problem(atomic.error(), call.request);
  auto items = decode_items(call, *atomic);
  if (!items) co_return problem(items.error(), call.request);
  const auto answers =
      co_await call.services.transactions->submit_batch(std::move(*items), *atomic, call.caller, call.request.deadline);
  Response response;
  response.body.reserve(kUsualResultBytes * (answers.size() + 1));
  response.body += R"({"results":[)";
  for (std::size_t i = 0; i < answers.size(); ++i) {
    // Other connections of this thread wait meanwhile.
    if (i % kItemsInOneGo == kItemsInOneGo - 1) co_await boost::asio::post(boost::asio::use_awaitable);
    if (i > 0) response.body += ',';
    append_result(response.body, answers[i], call);
  }
  response.body += "]}";
  co_return response;
}

}  // namespace tps::http
