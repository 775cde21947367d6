// API keys: "tps_live_" and 256 random bits as 43 characters of base64url. A list of keys shows the id, the first 8 of
// these characters; the store holds SHA-256 of the whole text. With so many random bits, a slow hash would add no
// safety.
#pragma once

#include <string>
#include <string_view>

#include "ports/key_registry.hpp"

namespace tps::auth {

struct NewApiKey {
  std::string text;  // shown once, kept nowhere
  std::string id;    // "tps_live_" and 8 characters
  ports::KeyHash hash;
};

// Throws std::runtime_error when the system has no randomness to give.
NewApiKey make_api_key();

// True if it has the form of a key.
bool is_api_key(std::string_view text);

// The id of a key, the only part that may be shown.
std::string_view api_key_id(std::string_view text);

ports::KeyHash hash_api_key(std::string_view text);

}  // namespace tps::auth
