// The key set in use, which is replaced as a whole. Any thread may call.
#pragma once

#include <memory>
#include <mutex>

#include "auth/credential_cache.hpp"
#include "auth/key_set.hpp"

namespace tps::auth {

class TrustedKeys {
 public:
  [[nodiscard]] std::shared_ptr<const KeySet> current() const {
    const std::scoped_lock lock(mutex_);
    return keys_;
  }

  // Verifications with earlier keys are no longer valid.
  void replace(std::vector<SigningKey> keys) {
    auto set = std::make_shared<const KeySet>(std::move(keys));
    {
      const std::scoped_lock lock(mutex_);
      keys_ = std::move(set);
    }
    verified_.clear();
  }

  // The tokens that were verified with the current keys.
  CredentialCache& verified() { return verified_; }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const KeySet> keys_ = std::make_shared<const KeySet>();  // under mutex_
  CredentialCache verified_{50'000};
};

}  // namespace tps::auth
