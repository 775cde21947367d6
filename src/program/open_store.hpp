// Opening a store: once, or patiently beside a database that is still starting, and migrated first where that is
// wanted.
#pragma once

#include <chrono>
#include <expected>
#include <string>

#include "ports/store.hpp"
#include "program/engine.hpp"
#include "program/settings.hpp"

namespace tps {

// The time for a migration at the start of another command. `tps migrate` has more.
inline constexpr std::chrono::seconds kMigrationPatience{60};

// Opens it, within 5 seconds.
ports::StoreResult<ports::StoreIdentity> open_once(ports::Store& session);

// Ready to use; migrated first if the setting `migrate` asks for that or the store does it by itself. Waits 60 seconds
// for a database that cannot be reached yet. The error is an exit code; the reason is on stderr already.
std::expected<ports::StoreIdentity, int> open_store(const Settings& settings, const Engine& engine,
                                                    ports::Store& session);

// The number of partitions is fixed by the first migration: the error says that another one was asked for.
std::expected<void, std::string> check_partitions(const Partitions& asked, const ports::StoreIdentity& store);

}  // namespace tps
