#include "commands/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <expected>

#include "commands/progress.hpp"
#include "files/csv_writer.hpp"
#include "files/import_reader.hpp"
#include "files/output_file.hpp"
#include "ops/metrics.hpp"
#include "ports/store.hpp"
#include "program/engine.hpp"
#include "program/exit.hpp"
#include "program/open_store.hpp"
#include "program/signals.hpp"
#include "wire/json_writer.hpp"

namespace tps {
namespace {

using ports::StoreResult;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kReadBudget{5};
constexpr milliseconds kRetryPause{200};
constexpr std::size_t kPage = 2'000;

struct Sink {
  files::OutputFile& file;
  files::FileFormat format;
  const domain::Currencies& currencies;

  [[nodiscard]] std::expected<void, std::string> begin() const {
    return format == files::FileFormat::csv ? file.write(files::csv_header()) : std::expected<void, std::string>();
  }
  void append(std::string& out, const domain::Transaction& transaction) const {
    if (format == files::FileFormat::csv) {
      files::append_csv_row(out, transaction, currencies);
    } else {
      wire::append_transaction(out, transaction, currencies);
      out += '\n';
    }
  }
};

// Reads the log of all partitions side by side, from their positions to where each ended when this began.
class ExportRun {
 public:
  ExportRun(ports::Store& store, std::uint32_t partitions, std::chrono::seconds patience)
      : store_(store), patience_(patience) {
    for (std::uint32_t partition = 0; partition < partitions; ++partition) {
      positions_.push_back(domain::id_before_first(partition));
    }
  }

  // Exports only higher ids than these, each in its own partition.
  std::expected<void, std::string> start_after(const std::vector<std::int64_t>& ids) {
    for (const std::int64_t id : ids) {
      const std::uint32_t partition = domain::partition_of_id(id);
      if (partition >= positions_.size()) return std::unexpected(fmt::format("--after {}: no such partition", id));
      positions_[partition] = std::max(positions_[partition], id);
    }
    return {};
  }

  std::expected<void, std::string> find_ends() {
    ends_ = positions_;
    for (std::uint32_t partition = 0; partition < positions_.size(); ++partition) {
      // Newest first, below the first id of the next partition: the last transaction of this one, if it has any.
      const auto page = patiently([&] {
        return store_.list({.after = domain::id_before_first(partition + 1) + 1, .limit = 1},
                           steady_clock::now() + kReadBudget);
      });
      if (!page) return std::unexpected(page.error());
      if (page->transactions.empty()) continue;
      const std::int64_t id = page->transactions.front().id;
      if (domain::partition_of_id(id) == partition) ends_[partition] = std::max(ends_[partition], id);
    }
    for (std::size_t i = 0; i < ends_.size(); ++i) total_ += static_cast<std::uint64_t>(ends_[i] - positions_[i]);
    return {};
  }

  std::expected<void, std::string> run(const Sink& sink, files::Progress& progress) {
    std::string text;
    while (positions_ != ends_) {
      const auto page = patiently([&] { return feed_.read(positions_, kPage, steady_clock::now() + kReadBudget); });
      if (!page) return std::unexpected(page.error());
      text.clear();
      for (const domain::Transaction& transaction : page->transactions) {
        if (transaction.id > ends_[domain::partition_of_id(transaction.id)]) continue;
        sink.append(text, transaction);
        ++count_;
      }
      if (auto written = sink.file.write(text); !written) return written;
      for (std::size_t i = 0; i < positions_.size(); ++i) {
        positions_[i] = std::min(page->next_positions.at(i), ends_[i]);
      }
      progress.show(count_, count_);
      if (wait_for_end(std::chrono::milliseconds(0))) return std::unexpected("interrupted");
    }
    return {};
  }

  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // The ids for --after of the next export.
  [[nodiscard]] const std::vector<std::int64_t>& positions() const { return positions_; }

 private:
  template <class Ask>
  auto patiently(Ask ask) -> std::expected<typename decltype(ask())::value_type, std::string> {
    const auto give_up = steady_clock::now() + patience_;
    while (true) {
      auto page = ask();
      if (page) return std::move(*page);
      const bool hopeless = page.error().kind == ports::StoreFault::Kind::incompatible;
      if (hopeless) return std::unexpected(page.error().detail);
      if (steady_clock::now() >= give_up) {
        return std::unexpected(fmt::format("gave up after {} s: {}", patience_.count(), page.error().detail));
      }
      if (wait_for_end(kRetryPause)) return std::unexpected("interrupted");
    }
  }

  ports::Store& store_;
  ports::LogFeed& feed_ = store_;
  const std::chrono::seconds patience_;
  ports::Positions positions_;
  std::vector<std::int64_t> ends_;
  std::uint64_t total_ = 0;
  std::uint64_t count_ = 0;
};

void report_export(const ExportRun& run, const ExportOptions& options, double seconds) {
  if (options.json) {
    std::string output;
    wire::append_string(output, options.output);
    fmt::print("{{\"transactions\":{},\"seconds\":{:.3f},\"after\":[{}],\"output\":{}}}\n", run.count(), seconds,
               fmt::join(run.positions(), ","), output);
  } else {
    fmt::print(options.output.empty() ? stderr : stdout,
               "{} transactions in {:.1f} s; to continue from there later: tps export --after {}\n",
               files::with_commas(run.count()), seconds, fmt::join(run.positions(), " --after "));
  }
}

std::expected<files::FileFormat, std::string> format_of(const ExportOptions& options) {
  if (options.json && options.output.empty()) {
    return std::unexpected("--json needs --output: standard output is for the transactions");
  }
  if (options.format.empty()) return files::format_of_name(options.output).value_or(files::FileFormat::ndjson);
  const auto format = files::parse_file_format(options.format);
  if (!format) return std::unexpected("--format: expected ndjson or csv");
  return *format;
}

}  // namespace

int export_all(const Settings& settings, const ExportOptions& options) {
  const auto format = format_of(options);
  if (!format) return fail(format.error(), kExitUsage);
  block_signals();

  ops::Metrics metrics;
  const auto engine = make_engine(settings, metrics, OpenMode::read_only);
  if (!engine) return fail(engine.error());
  const auto session = engine->session();
  const auto store = open_once(*session);
  if (!store) return fail(store.error().detail);

  ExportRun run(*session, store->partitions, std::chrono::seconds(options.patience_s));
  if (const auto started = run.start_after(options.after); !started) return fail(started.error(), kExitUsage);
  if (const auto found = run.find_ends(); !found) return fail(found.error());
  files::OutputFile file;
  if (const auto opened = file.open(options.output); !opened) return fail(opened.error());
  const Sink sink{file, *format, settings.currencies};
  files::Progress progress("export", "transactions", run.total(), options.quiet);
  auto done = sink.begin();
  if (done) done = run.run(sink, progress);
  if (done) done = file.commit();
  progress.clear();
  // Empty: the reader of the pipe has ended, so no message is needed.
  if (!done) return done.error().empty() ? kExitFailed : fail(done.error());
  report_export(run, options, progress.elapsed().count());
  return kExitOk;
}

}  // namespace tps
