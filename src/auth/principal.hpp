// Whom a credential stands for, and what it allows.
#pragma once

#include <chrono>
#include <memory>

#include "auth/scope.hpp"
#include "domain/caller.hpp"

namespace tps::auth {

using WallTime = std::chrono::system_clock::time_point;

struct Principal {
  domain::Caller caller;
  Scopes scopes;
  WallTime expires_at = WallTime::max();  // of the credential
};

using SharedPrincipal = std::shared_ptr<const Principal>;

// A subject or a user id of a credential keeps the rules of a user_id; that it is UTF-8 is for the reader to know.
bool is_name(std::string_view text);

}  // namespace tps::auth
