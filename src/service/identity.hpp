// The hashes that identify things: which partition a user's log is in, what an idempotency key stands for, and what
// a request's content is. SHA-256 throughout; never change one, they are in the database.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "domain/transaction.hpp"

namespace tps::service {

// The first 8 bytes (big endian) of SHA-256 of the user id, modulo `partitions`.
std::uint32_t partition_of(std::string_view user_id, std::uint32_t partitions);

// SHA-256/128 of (principal, user_id, key, item of a batch that has one key).
domain::Hash128 idempotency_hash(std::string_view principal, std::string_view user_id, std::string_view key,
                                 std::optional<std::uint32_t> item);

// SHA-256/128 over the canonical members, the type (which is the route) and the parent. Of a transaction that is not
// accepted yet.
domain::Hash128 content_hash(const domain::Transaction& transaction);

}  // namespace tps::service
