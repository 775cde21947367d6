// The users that may log in with a password, as a file lists them:
//
//     # name   argon2id hash               scopes                                 optional: the one user it is for
//     alice    $argon2id$v=19$m=19456,...  transactions:read,transactions:write   user=user_11
#pragma once

#include <expected>
#include <map>
#include <string>

#include "auth/scope.hpp"
#include "domain/caller.hpp"

namespace tps::auth {

struct User {
  std::string hash;
  Scopes scopes;
  std::optional<std::string> only_user;
};

using Users = std::map<std::string, User, std::less<>>;

// The error names the line and what is wrong with it, without the hash.
std::expected<Users, std::string> read_users(const std::string& text);

}  // namespace tps::auth
