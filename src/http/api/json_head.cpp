#include "http/api/json_head.hpp"

#include <utility>

#include "http/api/query.hpp"
#include "http/headers/idempotency_key.hpp"
#include "http/headers/media_type.hpp"

namespace tps::http {

using domain::Error;

std::expected<std::optional<service::IdempotencyKey>, Error> json_head(const Request& request, JsonBody body) {
  if (auto refused = refuse_parameters(request.query)) return std::unexpected(std::move(*refused));
  const bool left_out = body == JsonBody::optional && request.body.empty();
  if (!left_out && body_kind(request) != BodyKind::json) {
    return std::unexpected(Error{domain::ErrorCode::unsupported_media_type, {}});
  }
  auto key = idempotency_key_of(request);
  if (!key) return std::unexpected(std::move(key.error()));
  if (!*key) return std::nullopt;
  return service::IdempotencyKey{std::move(**key), std::nullopt};
}

}  // namespace tps::http
