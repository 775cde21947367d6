// Migrations: numbered SQL files, embedded in the binary, applied forward only. This is the part that knows no
// engine: which files there are, which are still to apply, and whether this binary may use a store.
//
// A file is "NNNN_name.sql", numbered from 0001 without gaps. Its first line is "-- min_binary: N": the number of the
// newest migration that a binary must know to go on using the store once this one is applied. A change that old
// binaries survive keeps N where it was; so old and new binaries can share a store while they are being rolled.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/currency.hpp"
#include "embedded/file.hpp"

namespace tps::adapters {

struct Migration {
  int number = 0;
  std::string_view name;  // of "0001_data_model.sql": data_model
  std::string_view sql;
  int min_binary = 0;
};

// In order. A file that breaks the rules above is a bug and ends the program.
std::vector<Migration> migrations(std::span<const embedded::File> files);

// The version that a store records in its table `store`.
struct SchemaVersion {
  int schema = 0;
  int min_binary = 0;
};

// Those that a store at `schema` (0: empty) still lacks.
std::span<const Migration> pending_migrations(std::span<const Migration> known, int schema);

// Whether a binary that knows `known` may use the store (nullopt: the store has no schema at all). The answer is
// nullopt when it may, else a sentence for operators that says what to do.
std::optional<std::string> incompatibility(std::span<const Migration> known, std::optional<SchemaVersion> store);

// Whether a binary that knows `known` may migrate the store: every store that it may use, and every older one.
std::optional<std::string> migration_refusal(std::span<const Migration> known, std::optional<SchemaVersion> store);

// The sentence for a currency whose recorded number of decimals is not the configured one (nullptr: it is not
// configured).
std::string currency_mismatch(std::string_view code, int recorded, const domain::Currency* configured);

// The name of settlement's rows in the table `readers`.
inline constexpr std::string_view kSettlementReader = "settlement";

// A random UUID (version 4), and the key of the cache's MACs. Made once, by the first migration.
std::string new_store_id();
std::array<std::uint8_t, 32> new_cache_secret();

}  // namespace tps::adapters
