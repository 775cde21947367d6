// The options of a new API key, as an operator gives them, and the key that they describe.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "domain/transaction.hpp"
#include "ports/key_registry.hpp"

namespace tps {

struct NewKeyOptions {
  std::string subject;
  std::string scopes;                      // names separated by spaces or commas
  std::optional<std::string> only_user{};  // a user_id
  std::optional<std::string> expires_in{};
  bool json = false;
};

// "30m", "12h", "90d", "1y" (of 365 days); 1 minute to 10 years. nullopt for anything else.
std::optional<std::chrono::minutes> parse_lifetime(std::string_view text);

// The key without its id and creator. The error names the wrong option and the reason.
std::expected<ports::ApiKey, std::string> described_key(const NewKeyOptions& options, domain::Timestamp now);

}  // namespace tps
