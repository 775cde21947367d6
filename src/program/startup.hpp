// What every command that opens a store does first, and what every command that listens needs.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>

#include "domain/currency.hpp"
#include "domain/transaction.hpp"
#include "http/server/server_options.hpp"
#include "ports/store.hpp"
#include "program/config.hpp"
#include "program/engine.hpp"

namespace tps {

// The clock of the program.
domain::Timestamp now();

// Says why on stderr; answers the exit code.
int fail(const std::string& text, int code);
int fail(const std::string& text);  // kExitFailed

// Logs and currencies. What can be wrong with the configuration is found out before anything is opened.
std::expected<domain::Currencies, std::string> prepare(const Config& config);

// The same for what listens, and signals are blocked.
std::expected<domain::Currencies, std::string> prepare_to_serve(const Config& config, const std::string& listen);

// For a migration on the way to something else; `tps migrate` has more.
inline constexpr std::chrono::seconds kMigrationPatience{60};

// Opens it, within a few seconds.
ports::StoreResult<ports::StoreIdentity> open_once(ports::Store& session);

// Ready to use; migrated first if the setting `migrate` asks for that or the store does it by itself. Waits a minute
// for a store that is not there yet. The error is an exit code; what was wrong has been said.
std::expected<ports::StoreIdentity, int> open_store(const Config& config, const Engine& engine, ports::Store& session);

// The number of partitions is fixed by the first migration: what is wrong with asking for another one.
std::expected<void, std::string> check_partitions(const Config& config, const ports::StoreIdentity& store);

http::TlsFiles tls_files(const Config& config);
http::ServerOptions server_options(const Config& config, const std::string& listen);

// Of a server that listens there, on a port that may have been chosen for it.
std::string url_of(const Config& config, const std::string& listen, std::uint16_t port);

}  // namespace tps
