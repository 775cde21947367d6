// The port to the API keys that a store knows. The state of a key is a fold over append-only records: one of its
// creation, perhaps one of its revocation, each with its author, so that the records are the audit trail.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "domain/transaction.hpp"
#include "ports/fault.hpp"
#include "ports/sha256.hpp"
#include "ports/store.hpp"

namespace tps::ports {

using KeyHash = Sha256;  // of the key's text

struct ApiKey {
  std::string id;                          // shown to people; unique
  std::string subject;                     // the principal that it stands for: the same when one key replaces another
  std::string scopes;                      // names separated by spaces
  std::optional<std::string> only_user{};  // the one user whose money it may see and move
  domain::Timestamp created_at{};
  std::string created_by;
  std::optional<domain::Timestamp> expires_at{};
  std::optional<domain::Timestamp> revoked_at{};
  std::string revoked_by{};

  bool operator==(const ApiKey&) const = default;
};

// As for Store: one object is one session, used by one thread at a time; calls end by their deadline and never throw.
class KeyRegistry {
 public:
  KeyRegistry() = default;
  KeyRegistry(const KeyRegistry&) = delete;
  KeyRegistry& operator=(const KeyRegistry&) = delete;
  virtual ~KeyRegistry() = default;

  // Durable when it answers. `refused`: there is one with this id or hash.
  virtual StoreResult<void> add(const ApiKey& key, const KeyHash& hash, Deadline deadline) = 0;

  // Durable when it answers. False: there is none with this id. One that was revoked before stays as it was.
  virtual StoreResult<bool> revoke(const std::string& id, const std::string& by, domain::Timestamp at,
                                   Deadline deadline) = 0;

  // One answer per hash, in order; nullopt where there is none. Revoked and expired ones are found too.
  virtual StoreResult<std::vector<std::optional<ApiKey>>> find(std::span<const KeyHash> hashes, Deadline deadline) = 0;

  // All, the oldest first.
  virtual StoreResult<std::vector<ApiKey>> list(Deadline deadline) = 0;
};

}  // namespace tps::ports
