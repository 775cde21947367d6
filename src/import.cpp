#include "import.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <expected>

#include "app.hpp"
#include "engine.hpp"
#include "http/json_writer.hpp"
#include "import_run.hpp"
#include "ops/log.hpp"
#include "ops/metrics.hpp"
#include "signals.hpp"
#include "source_file.hpp"

namespace tps {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kOpenBudget{5};
constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kMaxPrincipalBytes = 255;

domain::Timestamp now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

int fail(const std::string& text, int code = kExitFailed) {
  fmt::print(stderr, "tps: {}\n", text);
  return code;
}

// The options with everything filled in; the error is about the usage.
std::expected<ImportReader::Options, std::string> reader_options(const ImportOptions& options) {
  const auto format = options.format.empty() ? format_of_name(options.file) : parse_file_format(options.format);
  if (!format) return std::unexpected("--format: expected ndjson or csv (or a file named .ndjson, .jsonl or .csv)");
  const auto is_bad = [](const std::string& text, std::size_t most) {
    return text.size() > most || domain::has_control_characters(text);
  };
  if (is_bad(options.name, kMaxNameBytes)) return std::unexpected("--name: at most 255 bytes, no control characters");
  if (options.principal.empty() || is_bad(options.principal, kMaxPrincipalBytes)) {
    return std::unexpected("--principal: 1 to 255 bytes, no control characters");
  }
  if (options.file == "-" && options.name.empty() && options.key_column.empty()) {
    return std::unexpected("standard input needs --name: only a file's SHA-256 can be the import's name");
  }
  return ImportReader::Options{
      .format = *format, .name = options.name, .key_column = options.key_column, .from_export = options.from_export};
}

std::string rejects_path(const ImportOptions& options) {
  if (!options.rejects.empty()) return options.rejects;
  return (options.file == "-" ? std::string("stdin") : options.file) + ".rejects.ndjson";
}

void print_summary(const ImportCounts& counts, double seconds, const std::string& name, const std::string& rejects) {
  const auto rate = seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(counts.lines()) / seconds) : 0;
  fmt::print("imported       {:>14}\n", with_commas(counts.imported));
  fmt::print("already there  {:>14}\n", with_commas(counts.already_there));
  fmt::print("rejected       {:>14}{}\n", with_commas(counts.rejected),
             counts.rejected > 0 ? "  see " + rejects : std::string());
  fmt::print("{} lines in {:.1f} s, {}/s\n", with_commas(counts.lines()), seconds, with_commas(rate));
  if (!name.empty()) fmt::print("name of the import: {}\n", name);
}

void print_json(const ImportCounts& counts, double seconds, const std::string& name, const std::string& rejects,
                bool complete) {
  std::string out = complete ? R"({"complete":true)" : R"({"complete":false)";
  const auto add = [&](std::string_view member, std::uint64_t value) {
    out += fmt::format(R"(,"{}":{})", member, value);
  };
  const auto add_text = [&](std::string_view member, const std::string& text) {
    out += fmt::format(R"(,"{}":)", member);
    text.empty() ? static_cast<void>(out += "null") : http::append_string(out, text);
  };
  add("lines", counts.lines());
  add("imported", counts.imported);
  add("already_there", counts.already_there);
  add("rejected", counts.rejected);
  out += fmt::format(R"(,"seconds":{:.3f})", seconds);
  add_text("name", name);
  add_text("rejects", counts.rejected > 0 ? rejects : "");
  fmt::print("{}}}\n", out);
}

std::expected<void, std::string> set_up(const Config& config) {
  const auto level = ops::parse_level(config.text("log-level"));
  const auto format = ops::parse_log_format(config.text("log-format"));
  if (!level || !format) return std::unexpected("log-level or log-format: unknown value");
  ops::set_up_log(*level, *format);
  block_signals();
  return {};
}

}  // namespace

int import_file(const Config& config, const ImportOptions& options) {
  if (const auto ready = set_up(config); !ready) return fail(ready.error(), kExitUsage);
  const auto currencies = domain::Currencies::with_assets(config.text("assets"));
  if (!currencies) return fail(currencies.error(), kExitUsage);
  auto reading = reader_options(options);
  if (!reading) return fail(reading.error(), kExitUsage);

  // The file, as far as something can be wrong with it as a whole.
  std::atomic<bool> stopping = false;
  const auto stop_within = [&stopping](milliseconds patience) {
    if (!stopping && wait_for_end(patience)) stopping = true;
    return stopping.load();
  };
  const auto stop = [&] { return stop_within(milliseconds(0)); };
  SourceFile file;
  if (const auto opened = file.open(options.file); !opened) return fail(options.file + ": " + opened.error());
  if (reading->name.empty() && reading->key_column.empty()) {
    if (!file.is_regular()) return fail(options.file + ": is not a plain file, so it needs --name", kExitUsage);
    auto digest = file.sha256();
    if (!digest) return fail(options.file + ": " + digest.error());
    reading->name = std::move(*digest);
  }
  const std::string name = reading->key_column.empty() ? reading->name : "";
  ImportReader reader(file.descriptor(), std::move(*reading), *currencies, stop);
  if (const auto started = reader.start(); !started) return fail(options.file + ": " + started.error());

  // The store.
  ops::Metrics metrics;
  const auto engine = make_engine(config, *currencies, metrics);
  if (!engine) return fail(engine.error());
  if (engine->migrates_itself) {
    if (const auto migrated = engine->migrate(); !migrated) return fail(migrated.error());
  }
  const auto session = engine->session();
  const auto store = session->open(std::chrono::steady_clock::now() + kOpenBudget);
  if (!store) return fail(store.error().detail);

  RejectFile rejects(rejects_path(options));
  Progress progress("import", "lines", file.size(), options.quiet);
  ImportRun run(
      {.reader = reader,
       .store = *session,
       .rejects = rejects,
       .progress = progress,
       .persistence = {.patience = std::chrono::seconds(options.patience_s), .pause = stop_within, .now = now},
       .principal = options.principal,
       .partitions = store->partitions,
       .max_batch = static_cast<std::size_t>(config.number("max-flight")),
       .max_rejects = options.max_rejects,
       .stop = stop});
  auto done = run.run();
  if (const auto closed = rejects.close(); done && !closed) done = std::unexpected(closed.error());
  if (done && file.changed()) done = std::unexpected(options.file + " was changed while it was read");
  const double seconds = progress.elapsed().count();
  progress.clear();
  const ImportCounts& counts = run.counts();
  if (options.json) {
    print_json(counts, seconds, name, rejects.path(), done.has_value());
  } else {
    print_summary(counts, seconds, name, rejects.path());
  }
  if (!done) {
    return fail(done.error() +
                "\nThe import is not complete. The same command again goes on: what is in is not added twice" +
                (name.empty() ? "." : " (--name " + name + ")."));
  }
  return counts.rejected > 0 ? kExitRejected : kExitOk;
}

}  // namespace tps
