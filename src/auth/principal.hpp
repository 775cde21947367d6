// Whom a credential stands for, and what it allows.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "auth/scope.hpp"
#include "domain/caller.hpp"

namespace tps::auth {

using WallTime = std::chrono::system_clock::time_point;

struct Principal {
  domain::Caller caller;
  Scopes scopes;
  WallTime expires_at = WallTime::max();  // of the credential
};

// The principal of a credential. One that is for one user may deposit and reverse only with the scopes for that.
Principal make_principal(std::string subject, std::optional<std::string> only_user, Scopes scopes);

using SharedPrincipal = std::shared_ptr<const Principal>;

// A subject or a user id of a credential keeps the rules of a user_id; that it is UTF-8 is for the reader to know.
bool is_name(std::string_view text);

}  // namespace tps::auth
