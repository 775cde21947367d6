// From a valid instruction of a caller to what the store's log takes: the same for requests and for imported files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "domain/acceptance.hpp"
#include "domain/transaction.hpp"

namespace tps::service {

// The identity that a client's idempotency key gives: the key, and within a batch that has one key the item's index.
struct IdempotencyKey {
  std::string text;
  std::optional<std::uint32_t> item;
};

// One valid instruction of a caller.
struct Instruction {
  domain::Transaction transaction;  // from domain::validate
  std::optional<IdempotencyKey> key;
  std::shared_ptr<const domain::Transaction> parent{};  // of a capture, void or reversal: as it was read
};

// With its partitions, hashes and principal; undecided. `partitions` is the store's.
domain::Submission make_submission(Instruction instruction, std::string_view principal, std::uint32_t partitions);

}  // namespace tps::service
