#include "commands/keys.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <vector>

#include "auth/api_key.hpp"
#include "ops/metrics.hpp"
#include "ports/fault.hpp"
#include "program/engine.hpp"
#include "program/exit.hpp"
#include "program/signals.hpp"
#include "program/wall_clock.hpp"
#include "wire/json_writer.hpp"
#include "wire/timestamp.hpp"
#include "wire/utf8.hpp"

namespace tps {
namespace {

using ports::ApiKey;
using ports::KeyRegistry;
using ports::StoreFault;

// A busy server may need some seconds to let another process write to its file.
constexpr std::chrono::seconds kBudget{20};

ports::Deadline deadline() { return std::chrono::steady_clock::now() + kBudget; }

// The operator who creates or revokes, by the name of the operating system's user.
std::string operator_name() {
  const uid_t user = getuid();
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
  const std::string name = found == nullptr ? "" : found->pw_name;
  const bool usable = !name.empty() && wire::is_utf8(name) && !domain::has_control_characters(name);
  return "cli:" + (usable ? name : std::to_string(user));
}

template <class Use>
int with_registry(const Settings& settings, Use use) {
  ops::Metrics metrics;
  const auto engine = make_engine(settings, metrics, OpenMode::read_only);
  if (!engine) return fail(engine.error());
  const auto registry = engine->keys();
  return use(*registry);
}

// False: the text could not be written completely.
bool show(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

std::string_view status_of(const ApiKey& key, domain::Timestamp at) {
  if (key.revoked_at) return "revoked";
  return key.expires_at && *key.expires_at <= at ? "expired" : "active";
}

void append_optional(std::string& out, std::string_view name, const std::optional<domain::Timestamp>& time) {
  wire::append_member_name(out, name);
  if (time) {
    wire::append_time(out, *time);
  } else {
    out += "null";
  }
}

void append_optional(std::string& out, std::string_view name, const std::optional<std::string>& text) {
  wire::append_member_name(out, name);
  if (text) {
    wire::append_string(out, *text);
  } else {
    out += "null";
  }
}

// Writes the members of an open JSON object, and leaves it open.
void append_key_members(std::string& out, const ApiKey& key, domain::Timestamp at) {
  wire::append_member(out, "id", key.id);
  wire::append_member(out, "subject", key.subject);
  wire::append_member(out, "scopes", key.scopes);
  append_optional(out, "only_user", key.only_user);
  wire::append_member(out, "status", status_of(key, at));
  append_optional(out, "created_at", std::optional(key.created_at));
  wire::append_member(out, "created_by", key.created_by);
  append_optional(out, "expires_at", key.expires_at);
  append_optional(out, "revoked_at", key.revoked_at);
  append_optional(out, "revoked_by", key.revoked_at ? std::optional(key.revoked_by) : std::nullopt);
}

std::string as_json(const std::vector<ApiKey>& keys, domain::Timestamp at) {
  std::string out = "[";
  for (const ApiKey& key : keys) {
    out += out.ends_with('[') ? "\n{" : ",\n{";
    append_key_members(out, key, at);
    out += '}';
  }
  return out + "\n]\n";
}

std::string to_the_second(domain::Timestamp time) {
  std::string text;
  wire::append_timestamp(text, time);
  return text.substr(0, text.find('.')) + "Z";
}

// Escapes texts, so that none can move the cursor of the terminal.
std::string harmless(std::string text) {
  if (!domain::has_control_characters(text) && wire::is_utf8(text)) return text;
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c >= 0x7F; }, '?');
  return text;
}

std::string as_table(const std::vector<ApiKey>& keys, domain::Timestamp at) {
  constexpr std::size_t kColumns = 7;
  using Row = std::array<std::string, kColumns>;
  std::vector<Row> rows{{"ID", "STATUS", "CREATED", "EXPIRES", "SCOPES", "SUBJECT", "ONLY USER"}};
  for (const ApiKey& key : keys) {
    std::string scopes = key.scopes;
    std::ranges::replace(scopes, ' ', ',');
    rows.push_back({harmless(key.id), std::string(status_of(key, at)), to_the_second(key.created_at),
                    key.expires_at ? to_the_second(*key.expires_at) : "never", harmless(scopes), harmless(key.subject),
                    harmless(key.only_user.value_or("-"))});
  }
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows) {
    for (std::size_t column = 0; column < kColumns; ++column) {
      widths.at(column) = std::max(widths.at(column), row.at(column).size());
    }
  }
  std::string out;
  for (const Row& row : rows) {
    for (std::size_t column = 0; column + 1 < kColumns; ++column) {
      out += fmt::format("{:<{}}  ", row.at(column), widths.at(column));
    }
    out += row.back() + "\n";
  }
  return out;
}

std::string sentence_of(const ApiKey& key) {
  return fmt::format("{} of {}: {}{}; {}", key.id, key.subject, key.scopes,
                     key.only_user ? ", only of the user " + *key.only_user : "",
                     key.expires_at ? "until " + to_the_second(*key.expires_at) : "until it is revoked");
}

int not_made(const ApiKey& key, const StoreFault& fault) {
  if (fault.kind != StoreFault::Kind::unknown) return fail(fault.detail);
  return fail("it is not known whether the key was made, and it was not shown; make sure with: tps keys revoke " +
              key.id + "\n" + fault.detail);
}

}  // namespace

int create_key(const Settings& settings, const NewKeyOptions& options) {
  auto key = described_key(options, now());
  if (!key) return fail(key.error(), kExitUsage);
  block_signals();  // a signal between making the key and showing it would leave a key that was never shown
  return with_registry(settings, [&](KeyRegistry& registry) {
    const auth::NewApiKey made = auth::make_api_key();
    key->id = made.id;
    key->created_by = operator_name();
    if (const auto added = registry.add(*key, made.hash, deadline()); !added) return not_made(*key, added.error());
    std::string out = made.text + "\n";
    if (options.json) {
      out = "{";
      wire::append_member(out, "key", made.text);
      append_key_members(out, *key, now());
      out += "}\n";
    }
    if (!show(out)) {
      // A key that the operator may not have seen must not be usable.
      const auto revoked = registry.revoke(key->id, key->created_by, now(), deadline());
      return fail("the key could not be written to standard output" +
                  std::string(revoked ? ", and was revoked" : ": revoke it with tps keys revoke " + key->id));
    }
    fmt::print(stderr, "{}\nThe key is not shown again.\n", sentence_of(*key));
    return kExitOk;
  });
}

int list_keys(const Settings& settings, bool json) {
  return with_registry(settings, [&](KeyRegistry& registry) {
    const auto keys = registry.list(deadline());
    if (!keys) return fail(keys.error().detail);
    if (keys->empty() && !json) {
      fmt::print(stderr, "there are no keys\n");
      return kExitOk;
    }
    return show(json ? as_json(*keys, now()) : as_table(*keys, now())) ? kExitOk : kExitFailed;
  });
}

int revoke_key(const Settings& settings, const std::string& id) {
  // After a leak, an operator may have only the key itself and not its id.
  const std::string known(auth::is_api_key(id) ? auth::api_key_id(id) : std::string_view(id));
  return with_registry(settings, [&](KeyRegistry& registry) {
    const auto revoked = registry.revoke(known, operator_name(), now(), deadline());
    if (!revoked) return fail(revoked.error().detail);
    if (!*revoked) return fail("there is no key " + known + "; tps keys list shows all");
    fmt::print(stderr, "{} is revoked\n", known);
    return kExitOk;
  });
}

}  // namespace tps
