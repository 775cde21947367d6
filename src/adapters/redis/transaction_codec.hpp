// The binary encoding of a transaction, for caches. Everything is in it, what is shown and what is not: version, then
// fixed-width little-endian numbers and length-prefixed text in a fixed order. One transaction has one encoding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/transaction.hpp"

namespace tps::redis {

// Appends to `out`.
void encode_transaction(const domain::Transaction& transaction, std::string& out);

// Exactly what encode_transaction made, or nullopt: cut short, followed by anything, of another version, with an
// unknown flag or enumerator. Any bytes are fine to ask about. Says nothing about where the bytes came from.
std::optional<domain::Transaction> decode_transaction(std::string_view bytes);

}  // namespace tps::redis
