#include "commands/import.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <expected>
#include <filesystem>

#include "commands/progress.hpp"
#include "files/import_run.hpp"
#include "files/source_file.hpp"
#include "ops/metrics.hpp"
#include "ports/store.hpp"
#include "program/engine.hpp"
#include "program/exit.hpp"
#include "program/open_store.hpp"
#include "program/signals.hpp"
#include "program/wall_clock.hpp"
#include "wire/json_writer.hpp"

namespace tps {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kMaxPrincipalBytes = 255;

// The options with everything filled in; the error is about the usage.
std::expected<files::ImportReader::Options, std::string> reader_options(const ImportOptions& options) {
  const auto format =
      options.format.empty() ? files::format_of_name(options.file) : files::parse_file_format(options.format);
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
  return files::ImportReader::Options{
      .format = *format, .name = options.name, .key_column = options.key_column, .from_export = options.from_export};
}

std::string rejects_path(const ImportOptions& options) {
  if (!options.rejects.empty()) return options.rejects;
  return (options.file == "-" ? std::string("stdin") : options.file) + ".rejects.ndjson";
}

// The result of the import.
struct Result {
  files::ImportCounts counts;
  double seconds = 0;
  std::string name;     // empty: the keys are the lines' own
  std::string rejects;  // the path
  std::optional<std::string> trouble;
};

void print_import_summary(const Result& result) {
  const files::ImportCounts& counts = result.counts;
  const auto rate =
      result.seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(counts.lines()) / result.seconds) : 0;
  fmt::print("imported       {:>14}\n", files::with_commas(counts.imported));
  fmt::print("already there  {:>14}\n", files::with_commas(counts.already_there));
  fmt::print("rejected       {:>14}{}\n", files::with_commas(counts.rejected),
             counts.rejected > 0 ? "  see " + result.rejects : std::string());
  fmt::print("{} lines in {:.1f} s, {}/s\n", files::with_commas(counts.lines()), result.seconds,
             files::with_commas(rate));
  if (!result.name.empty()) fmt::print("name of the import: {}\n", result.name);
}

void print_import_json(const Result& result) {
  std::string out = result.trouble ? R"({"complete":false)" : R"({"complete":true)";
  const auto add = [&](std::string_view member, std::uint64_t value) {
    wire::append_member(out, member, static_cast<std::int64_t>(value));
  };
  const auto add_text = [&](std::string_view member, const std::string& text) {
    wire::append_member_name(out, member);
    if (text.empty()) {
      out += "null";
    } else {
      wire::append_string(out, text);
    }
  };
  add("lines", result.counts.lines());
  add("imported", result.counts.imported);
  add("already_there", result.counts.already_there);
  add("rejected", result.counts.rejected);
  out += fmt::format(R"(,"seconds":{:.3f})", result.seconds);
  add_text("name", result.name);
  add_text("rejects", result.counts.rejected > 0 ? result.rejects : "");
  fmt::print("{}}}\n", out);
}

int report_import(const Result& result, bool json) {
  if (json) {
    print_import_json(result);
  } else {
    print_import_summary(result);
  }
  if (result.trouble) {
    return fail(*result.trouble + "\nThe import is not complete. Run the same command again" +
                (result.name.empty() ? "" : " with --name '" + result.name + "'") +
                " to continue; nothing is added twice.");
  }
  return result.counts.rejected > 0 ? kExitRejected : kExitOk;
}

// Opens the file. If the import has no name, the hash of the file becomes it. The error is the exit code.
std::expected<void, int> open_source(const ImportOptions& options, files::SourceFile& file,
                                     files::ImportReader::Options& reading) {
  if (const auto opened = file.open(options.file); !opened) {
    return std::unexpected(fail(options.file + ": " + opened.error()));
  }
  if (!reading.key_column.empty()) reading.name.clear();
  if (!reading.name.empty() || !reading.key_column.empty()) return {};
  if (!file.is_regular()) {
    return std::unexpected(fail(options.file + ": is not a plain file, so it needs --name", kExitUsage));
  }
  auto digest = file.sha256();
  if (!digest) return std::unexpected(fail(options.file + ": " + digest.error()));
  reading.name = std::move(*digest);
  return {};
}

// A session of the store, ready to use; the error is a sentence.
std::expected<ports::StoreIdentity, std::string> open_session(const Settings& settings, const Engine& engine,
                                                              ports::Store& session) {
  if (engine.migrates_itself) {
    if (auto migrated = engine.migrate(kMigrationPatience); !migrated)
      return std::unexpected(std::move(migrated.error()));
  }
  auto store = open_once(session);
  if (!store) return std::unexpected(std::move(store.error().detail));
  if (auto fits = check_partitions(settings.partitions, *store); !fits) return std::unexpected(std::move(fits.error()));
  return std::move(*store);
}

}  // namespace

int import_file(const Settings& settings, const ImportOptions& options) {
  block_signals();
  auto reading = reader_options(options);
  if (!reading) return fail(reading.error(), kExitUsage);

  // Errors of the file as a whole.
  std::atomic<bool> stopping = false;
  const auto stop_within = [&stopping](milliseconds patience) {
    if (!stopping && wait_for_end(patience)) stopping = true;
    return stopping.load();
  };
  const auto stop = [&] { return stop_within(milliseconds(0)); };
  files::SourceFile file;
  if (const auto opened = open_source(options, file, *reading); !opened) return opened.error();
  const std::string name = reading->name;
  files::ImportReader reader(file.descriptor(), std::move(*reading), settings.currencies, stop);
  if (const auto started = reader.start(); !started) return fail(options.file + ": " + started.error());

  // The store.
  ops::Metrics metrics;
  const auto engine = make_engine(settings, metrics);
  if (!engine) return fail(engine.error());
  const auto session = engine->session();
  const auto store = open_session(settings, *engine, *session);
  if (!store) return fail(store.error());

  std::error_code unknown;
  if (std::filesystem::equivalent(options.file, rejects_path(options), unknown)) {
    return fail("--rejects: that is the file to import", kExitUsage);
  }
  files::RejectFile rejects(rejects_path(options), !options.rejects.empty());
  files::Progress progress("import", "lines", file.size(), options.quiet);
  files::ImportRun run(
      {.reader = reader,
       .store = *session,
       .rejects = rejects,
       .progress = [&progress](std::uint64_t bytes, std::uint64_t lines) { progress.show(bytes, lines); },
       .persistence = {.patience = std::chrono::seconds(options.patience_s), .pause = stop_within, .now = now},
       .principal = options.principal,
       .partitions = store->partitions,
       .max_batch = settings.max_flight,
       .max_rejects = options.max_rejects,
       .stop = stop});
  auto done = run.run();
  if (const auto closed = rejects.close(); done && !closed) done = std::unexpected(closed.error());
  if (done && file.changed()) done = std::unexpected(options.file + " was changed while it was read");
  progress.clear();
  return report_import({.counts = run.counts(),
                        .seconds = progress.elapsed().count(),
                        .name = name,
                        .rejects = rejects.path(),
                        .trouble = done ? std::nullopt : std::optional(done.error())},
                       options.json);
}

}  // namespace tps
