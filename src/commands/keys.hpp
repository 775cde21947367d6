// `tps keys`: makes, lists and revokes API keys. Each answers the exit code.
#pragma once

#include <string>

#include "commands/new_key.hpp"
#include "program/settings.hpp"

namespace tps {

// The key is on stdout once it is durable, and nowhere else.
int create_key(const Settings& settings, const NewKeyOptions& options);

int list_keys(const Settings& settings, bool json);

// `id`: of the key, or the whole key.
int revoke_key(const Settings& settings, const std::string& id);

}  // namespace tps
