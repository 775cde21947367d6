#include "http/headers/request_id.hpp"

#include <algorithm>

#include "http/headers/random_text.hpp"
#include "wire/ascii.hpp"

namespace tps::http {
namespace {

constexpr std::size_t kMaxClientId = 64;
constexpr std::size_t kOwnId = 20;
constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";

bool is_sane(std::string_view id) {
  return !id.empty() && id.size() <= kMaxClientId && std::ranges::all_of(id, [](char c) {
    return wire::is_digit(c) || (wire::lower(c) >= 'a' && wire::lower(c) <= 'z') || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace

void set_request_id(Request& request) {
  const auto given = request.header("x-request-id");
  if (given && is_sane(*given) && request.header_count("x-request-id") == 1) {
    request.request_id = *given;
  } else {
    request.request_id.clear();
    append_random(request.request_id, kOwnId, kAlphabet);
  }
}

}  // namespace tps::http
