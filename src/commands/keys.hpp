// `tps keys`: makes, lists and revokes API keys. Each answers the exit code.
#pragma once

#include <string>

#include "commands/new_key.hpp"
#include "program/config.hpp"

namespace tps {

// The key is on stdout once it is durable, and nowhere else.
int create_key(const Config& config, const NewKeyOptions& options);

int list_keys(const Config& config, bool json);

// `id`: of the key, or the whole key.
int revoke_key(const Config& config, const std::string& id);

inline constexpr const char* kAboutKeys = R"(Makes, lists and revokes the API keys that callers show as bearer tokens.

Examples:
  tps keys create --subject payments --scopes "transactions:read,transactions:write" --expires-in 90d
  tps keys list --database-url postgresql://tps@db/tps
  tps keys revoke tps_live_AAECAwQF

The database may be in use, a SQLite file too; tps serve or tps migrate has made it before.

Exit codes: 0 success, 1 failure, 2 wrong usage.
)";

inline constexpr const char* kAboutKeysCreate = R"(Makes an API key and shows it, this once.

Examples:
  tps keys create --subject payments --scopes "transactions:read,transactions:write" --expires-in 90d
  tps keys create --subject app --scopes transactions:read --only-user user_11 --json
  KEY=$(tps keys create --subject reports --scopes transactions:read)

Keys of one subject are one caller: replace a key by another of the same subject, then revoke the old one, and no
Idempotency-Key pays twice. Scopes: transactions:read, transactions:write, accounts:read, accounts:write, admin.
)";

inline constexpr const char* kAboutKeysRevoke = R"(Revokes an API key, for good.

Examples:
  tps keys revoke tps_live_AAECAwQF                  the id, as tps keys list shows it, or the whole key

Instances stop accepting it within a second.
)";

}  // namespace tps
