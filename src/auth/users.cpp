#include "auth/users.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "auth/password.hpp"
#include "auth/principal.hpp"

namespace tps::auth {
namespace {

constexpr std::string_view kUser = "user=";

std::expected<std::pair<std::string, User>, std::string> read_user(std::istringstream words) {
  std::string name;
  std::string scopes;
  User user;
  words >> name >> user.hash >> scopes;
  if (scopes.empty()) return std::unexpected("expected a name, an argon2id hash and scopes");
  if (!is_name(name)) return std::unexpected("a name has at most 128 bytes, without control characters");
  if (std::string flaw = flaw_of_hash(user.hash); !flaw.empty()) return std::unexpected(std::move(flaw));
  auto parsed = Scopes::parse(scopes);
  if (!parsed) return std::unexpected("there is no scope \"" + parsed.error() + "\"");
  user.scopes = *parsed;
  // The rest of the line, since a user id may have spaces in it.
  std::string rest;
  std::getline(words >> std::ws, rest);
  if (!rest.empty()) {
    if (!rest.starts_with(kUser) || !is_name(rest.substr(kUser.size()))) {
      return std::unexpected("after the scopes comes nothing, or user=ID");
    }
    user.only_user = rest.substr(kUser.size());
  }
  return std::pair(std::move(name), std::move(user));
}

}  // namespace

std::expected<Users, std::string> read_users(const std::string& text) {
  Users users;
  std::istringstream lines(text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    while (line.ends_with('\r') || line.ends_with(' ')) line.pop_back();
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string::npos || line[start] == '#') continue;
    auto user = read_user(std::istringstream(line));
    const std::string where = "line " + std::to_string(number) + ": ";
    if (!user) return std::unexpected(where + user.error());
    const std::string name = user->first;
    if (users.insert(std::move(*user)).second) continue;
    return std::unexpected(fmt::format("{}\"{}\" is there twice", where, name));
  }
  return users;
}

}  // namespace tps::auth
