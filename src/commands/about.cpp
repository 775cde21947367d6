#include "commands/about.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace tps {
namespace {

constexpr const char* kUsualCodes = "0 success, 1 failure, 2 wrong usage or configuration";
constexpr const char* kPostgres = "--database-url postgresql://tps@db/tps";
constexpr const char* kCopyCodes =
    "0 success and no differences, 1 failure or differences, 2 wrong usage or configuration, or not SQLite";
constexpr const char* kMayBeInUse = "The database may be in use, also a SQLite file.";

std::string with_postgres(const std::string& command) { return command + " " + kPostgres; }

std::vector<Page> about_program() {
  return {{.name = "tps",
           .summary = "A transaction processing system: durable money transactions over REST",
           .examples = {{"tps serve", "everything in one process, data in ./tps.db"},
                        {"tps serve --port 9000 --database-url sqlite:/var/lib/tps/tps.db"},
                        {with_postgres("tps serve --migrate") + " --redis-url redis://cache"},
                        {"tps import day.ndjson", "add the transactions of a file, each once"},
                        {"tps config", "every setting and where its value comes from"},
                        {"tps help serve", "the settings of a command"}},
           .notes = {"Settings come from flags, then TPS_* in the environment, then the file given by --config, then "
                     "defaults. A secret can come from a file: TPS_DATABASE_URL_FILE=/run/secrets/url."},
           .exit_codes = kUsualCodes},
          {.name = "tps version", .summary = "Print the version"},
          {.name = "tps help",
           .summary = "Show the help of a command",
           .examples = {{"tps help serve"}, {"tps help keys create"}}},
          {.name = "tps completion",
           .summary = "Print a script that completes commands and options in a shell",
           .examples = {{"source <(tps completion bash)", "in ~/.bashrc"},
                        {"source <(tps completion zsh)", "in ~/.zshrc, after compinit"},
                        {"tps completion fish > ~/.config/fish/completions/tps.fish"}}},
          {.name = "tps man",
           .summary = "Print the man page of the program or of a command",
           .examples = {{"tps man serve | man -l -", "read it"}, {"tps man > tps.1", "keep it"}}}};
}

std::vector<Page> about_servers() {
  return {{.name = "tps serve",
           .summary = "Serve transactions over HTTP",
           .examples = {{"tps serve", "on 127.0.0.1:8000, data in ./tps.db"},
                        {"tps serve --port 9000"},
                        {with_postgres("tps serve --migrate") + " --redis-url redis://cache"},
                        {"TPS_JWT_SECRET_FILE=jwt-secret tps serve --users-file users --listen 0.0.0.0:8000",
                         "with authentication"}},
           .notes = {"SIGTERM and SIGINT: finish the requests in progress and end. SIGHUP: read certificates, keys and "
                     "users again."},
           .exit_codes = kUsualCodes},
          {.name = "tps worker",
           .summary = "Settle transactions that other instances accept",
           .examples = {{with_postgres("tps worker")},
                        {with_postgres("tps serve --no-worker"), "an instance that leaves settling to it"}},
           .notes = {"It serves /health, /readiness and /metrics only. On PostgreSQL any number of workers may share a "
                     "database. On SQLite a worker runs only while no tps serve has the file open."},
           .exit_codes = kUsualCodes},
          {.name = "tps health",
           .summary = "Ask a running instance on this machine whether it is ready",
           .examples = {{"tps health --port 8000"}},
           .exit_codes = "0 ready, 1 not ready, 2 wrong usage or configuration"}};
}

std::vector<Page> about_database() {
  return {
      {.name = "tps migrate",
       .summary = "Bring the schema of a database up to date",
       .examples = {{with_postgres("tps migrate")},
                    {with_postgres("tps migrate --partitions 4"), "a new database with four logs"}},
       .exit_codes = kUsualCodes},
      {.name = "tps import",
       .summary = "Import the transactions of a file, each line once, however often it is run",
       .examples = {{"tps import day.ndjson", "rejected lines go to day.ndjson.rejects.ndjson"},
                    {with_postgres("tps import day.csv")},
                    {"tps import payments.csv --key-column reference", "each line's key is its reference"},
                    {"gzip -dc day.ndjson.gz | tps import - --format ndjson --name day-1"},
                    {"tps import all.ndjson --from-export", "a file that tps export wrote"}},
       .notes = {"NDJSON lines are bodies of POST /transactions. CSV has a header line that names members "
                 "(user_id, amount, currency, type, to_user_id, capture, hold_expires_in, reference, description, "
                 "metadata.NAME); empty fields are absent members. A worker settles what was imported. "
                 "More: docs/import.md"},
       .exit_codes = "0 all lines are in, 1 failure (run it again), 2 wrong usage or configuration, 3 all lines "
                     "are in except for the rejected ones"},
      {.name = "tps export",
       .summary = "Write all transactions, the oldest first, up to the end of the log at the start of the export",
       .examples = {{"tps export > all.ndjson"},
                    {with_postgres("tps export --format csv --output all.csv")},
                    {"tps export --after 120000 --output since.ndjson", "only higher ids"}},
       .notes = {std::string(kMayBeInUse) + " Lines are the bodies of the API. More: docs/import.md"},
       .exit_codes = kUsualCodes},
      {.name = "tps verify",
       .summary = "Audit a database: replay its logs and compare everything recorded with the result",
       .examples = {{"tps verify", "of ./tps.db"}, {with_postgres("tps verify") + " --json > audit.json"}},
       .notes = {std::string(kMayBeInUse) + " It is only read, in transactions of at most 5 seconds. The audit "
                                            "needs memory for all accounts, holds and keys. More: docs/operations.md"},
       .exit_codes = "0 no differences, 1 differences or not finished, 2 wrong usage or configuration"},
      {.name = "tps backup",
       .summary = "Copy a SQLite database, also while a server has it, then audit the copy",
       .examples = {{"tps backup /backups/tps.db", "of ./tps.db"},
                    {"tps backup today.db --force --database-url sqlite:/var/lib/tps/tps.db", "replaces today.db"}},
       .notes = {"The copy is one moment of the database, in one file. It is checked and durable before it gets its "
                 "name. PostgreSQL has its own tools. More: docs/operations.md"},
       .exit_codes = kCopyCodes},
      {.name = "tps restore",
       .summary = "Put a backup in the place of a SQLite database that no server has, then audit the result",
       .examples = {{"tps restore /backups/tps.db --database-url sqlite:/var/lib/tps/tps.db --force"}},
       .notes = {"The backup is checked before anything is replaced. Without --force, it restores only where no "
                 "database is. PostgreSQL has its own tools. More: docs/operations.md"},
       .exit_codes = kCopyCodes}};
}

std::vector<Page> about_keys() {
  return {{.name = "tps keys",
           .summary = "Make, list and revoke the API keys that callers send as bearer tokens",
           .examples = {{"tps keys create --subject payments --scopes \"transactions:read,transactions:write\""},
                        {with_postgres("tps keys list")},
                        {"tps keys revoke tps_live_AAECAwQF"}},
           .notes = {std::string(kMayBeInUse) + " It must have been made by tps serve or tps migrate."},
           .exit_codes = kUsualCodes},
          {.name = "tps keys create",
           .summary = "Make an API key and show it, this once",
           .examples = {{"tps keys create --subject payments --scopes \"transactions:read,transactions:write\" "
                         "--expires-in 90d"},
                        {"tps keys create --subject app --scopes transactions:read --only-user user_11 --json"},
                        {"KEY=$(tps keys create --subject reports --scopes transactions:read)"}},
           .notes = {"All keys of a subject are the same caller. To rotate a key, create another one of the same "
                     "subject, then revoke the old one; an Idempotency-Key stays good across both.",
                     "Scopes: transactions:read, transactions:write, accounts:read, accounts:write, admin."},
           .exit_codes = kUsualCodes},
          {.name = "tps keys list",
           .summary = "Show all API keys, also expired and revoked ones",
           .examples = {{"tps keys list"}, {"tps keys list --json"}},
           .exit_codes = kUsualCodes},
          {.name = "tps keys revoke",
           .summary = "Revoke an API key permanently",
           .examples = {{"tps keys revoke tps_live_AAECAwQF", "its id (tps keys list), or the whole key"}},
           .notes = {"Instances stop accepting the key within a second."},
           .exit_codes = kUsualCodes}};
}

std::vector<Page> about_setup() {
  return {{.name = "tps config",
           .summary = "Show every setting, its value and where the value comes from",
           .examples = {{"tps config"}, {"tps config --config tps.toml --json"}},
           .exit_codes = kUsualCodes},
          {.name = "tps hash-password",
           .summary = "Read a password and print its hash for a line of the users-file",
           .examples = {{"tps hash-password", "asks for it on a terminal"},
                        {"echo 'correct horse battery' | tps hash-password"}},
           .exit_codes = kUsualCodes}};
}

}  // namespace

Page about(std::string_view name) {
  for (const auto& pages : {about_program(), about_servers(), about_database(), about_keys(), about_setup()}) {
    const auto found = std::ranges::find(pages, name, &Page::name);
    if (found != pages.end()) return *found;
  }
  throw std::logic_error("no description of " + std::string(name));
}

}  // namespace tps
