#include "http/api/path.hpp"

#include "domain/transaction.hpp"
#include "wire/percent.hpp"
#include "wire/utf8.hpp"

namespace tps::http {

std::expected<std::string, domain::Error> user_id_of(std::string_view segment) {
  auto user_id = wire::percent_decode(segment, false);
  if (user_id && !user_id->empty() && user_id->size() <= domain::kMaxUserIdBytes && wire::is_utf8(*user_id) &&
      !domain::has_control_characters(*user_id)) {
    return *std::move(user_id);
  }
  domain::Error error{domain::ErrorCode::invalid_parameter, {}};
  error.fields.push_back({"id", domain::FieldRule::invalid_characters,
                          "must be 1 to 128 bytes of percent-encoded UTF-8 without control characters"});
  return std::unexpected(std::move(error));
}

}  // namespace tps::http
