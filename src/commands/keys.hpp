// `tps keys`: creates, lists and revokes API keys. Each function returns the exit code.
#pragma once

#include <string>

#include "commands/new_key.hpp"
#include "program/settings.hpp"

namespace tps {

// Prints the key to stdout, and nowhere else, once it is durable.
int create_key(const Settings& settings, const NewKeyOptions& options);

int list_keys(const Settings& settings, bool json);

// `id`: the id of the key, or the whole key.
int revoke_key(const Settings& settings, const std::string& id);

}  // namespace tps
