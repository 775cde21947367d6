#include "http/request_id.hpp"

#include <algorithm>
#include <random>

#include "http/text.hpp"

namespace tps::http {
namespace {

constexpr std::size_t kMaxClientId = 64;
constexpr std::size_t kOwnId = 20;  // of 5 random bits each

bool is_sane(std::string_view id) {
  return !id.empty() && id.size() <= kMaxClientId && std::ranges::all_of(id, [](char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '.' || c == '_' || c == '-';
  });
}

// Ids only need to differ; nobody may rely on their being hard to guess.
void make_id(std::string& id) {
  static constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  thread_local std::mt19937_64 random{std::random_device{}()};
  id.clear();
  while (id.size() < kOwnId) {
    std::uint64_t bits = random();
    for (std::size_t i = 0; i < kOwnId / 2; ++i, bits >>= 5) id += kAlphabet[bits & 31];
  }
}

}  // namespace

void set_request_id(Request& request) {
  const auto given = request.header("x-request-id");
  if (given && is_sane(*given) && request.header_count("x-request-id") == 1) {
    request.request_id = *given;
  } else {
    make_id(request.request_id);
  }
}

}  // namespace tps::http
