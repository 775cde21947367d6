#include "commands/verify.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "audit/auditor.hpp"
#include "commands/progress.hpp"
#include "ops/metrics.hpp"
#include "program/engine.hpp"
#include "program/exit.hpp"
#include "wire/json_writer.hpp"

namespace tps {
namespace {

using audit::AuditProgress;
using audit::AuditReport;
using audit::Difference;
using audit::Differences;
using std::chrono::steady_clock;
using wire::append_member;

std::string joined_ids(const std::vector<std::int64_t>& ids) {
  std::string text;
  for (const std::int64_t id : ids) text += (text.empty() ? "" : ", ") + std::to_string(id);
  return text;
}

struct Outcome {
  const Auditing& auditing;
  const AuditReport& report;
  const Differences& differences;
  double seconds = 0;
  std::string trouble;  // the reason why the audit did not finish; empty: it finished
};

void print_verify_summary(const Outcome& outcome) {
  const AuditReport& report = outcome.report;
  for (const Difference& difference : outcome.differences.kept()) fmt::print("{}\n", sentence(difference));
  const auto shown = static_cast<std::int64_t>(outcome.differences.kept().size());
  if (outcome.differences.count() > shown) {
    fmt::print("... and {} more (--limit shows more)\n", outcome.differences.count() - shown);
  }
  for (std::size_t i = 0; i < audit::kDifferenceKinds && outcome.differences.count() > 0; ++i) {
    const auto kind = static_cast<audit::DifferenceKind>(i);
    if (outcome.differences.count(kind) > 0) fmt::print("{:>10} {}\n", outcome.differences.count(kind), slug(kind));
  }
  if (report.unprocessable > 0) {
    const bool all = static_cast<std::size_t>(report.unprocessable) == report.first_unprocessable.size();
    fmt::print("{} transactions failed as unprocessable, by a bug or a damaged row: {}{}\n", report.unprocessable,
               joined_ids(report.first_unprocessable), all ? "" : ", ...");
  }
  fmt::print(
      "{} at {}: {} settled and {} pending transactions, {} accounts, {} holds, {} reversals in {} partition{}, "
      "{:.1f} s\n",
      outcome.auditing.name, outcome.auditing.where, report.settled, report.pending, report.accounts, report.holds,
      report.reversals, report.partitions, report.partitions == 1 ? "" : "s", outcome.seconds);
  if (!outcome.trouble.empty()) fmt::print("could not finish: {}\n", outcome.trouble);
  fmt::print("{} differences{}\n", outcome.differences.count(), outcome.trouble.empty() ? "" : " so far");
}

void append_difference(std::string& out, const Difference& difference) {
  out += out.ends_with('[') ? "{" : ",{";
  append_member(out, "kind", slug(difference.kind));
  if (difference.partition) append_member(out, "partition", std::int64_t{*difference.partition});
  if (difference.transaction_id) append_member(out, "transaction_id", *difference.transaction_id);
  if (difference.user_id) append_member(out, "user_id", *difference.user_id);
  if (difference.currency) append_member(out, "currency", *difference.currency);
  if (!difference.member.empty()) append_member(out, "member", difference.member);
  if (!difference.expected.empty()) append_member(out, "expected", difference.expected);
  if (!difference.found.empty()) append_member(out, "found", difference.found);
  append_member(out, "sentence", sentence(difference));
  out += '}';
}

void print_verify_json(const Outcome& outcome) {
  const AuditReport& report = outcome.report;
  std::string out = "{";
  append_member(out, "store", outcome.auditing.name);
  append_member(out, "where", outcome.auditing.where);
  out += outcome.trouble.empty() ? R"(,"finished":true)" : R"(,"finished":false)";
  if (!outcome.trouble.empty()) append_member(out, "trouble", outcome.trouble);
  append_member(out, "schema", std::int64_t{report.schema});
  append_member(out, "partitions", std::int64_t{report.partitions});
  append_member(out, "settled", report.settled);
  append_member(out, "pending", report.pending);
  append_member(out, "accounts", report.accounts);
  append_member(out, "holds", report.holds);
  append_member(out, "reversals", report.reversals);
  out += fmt::format(R"(,"seconds":{:.3f})", outcome.seconds);
  append_member(out, "unprocessable", report.unprocessable);
  out += R"(,"first_unprocessable":[)" + joined_ids(report.first_unprocessable) + "]";
  append_member(out, "differences", outcome.differences.count());
  out += R"(,"by_kind":{)";
  for (std::size_t i = 0; i < audit::kDifferenceKinds; ++i) {
    const auto kind = static_cast<audit::DifferenceKind>(i);
    if (outcome.differences.count(kind) > 0) append_member(out, slug(kind), outcome.differences.count(kind));
  }
  out += R"(},"first_differences":[)";
  for (const Difference& difference : outcome.differences.kept()) append_difference(out, difference);
  fmt::print("{}]}}\n", out);
}

}  // namespace

int verify(const Settings& settings, const VerifyOptions& options) {
  ops::Metrics metrics;
  const auto auditing = make_audit(settings, metrics);
  if (!auditing) return fail(auditing.error());

  const auto start = steady_clock::now();
  Differences differences(options.limit);
  std::optional<files::Progress> bar;
  std::string_view stage;
  audit::Auditor auditor(*auditing->audit, {}, differences, [&](const AuditProgress& progress) {
    if (progress.stage != stage) {
      bar.reset();
      stage = progress.stage;
      bar.emplace("verify", stage, static_cast<std::uint64_t>(progress.total), options.quiet);
    }
    bar->show(static_cast<std::uint64_t>(progress.done), static_cast<std::uint64_t>(progress.done));
  });
  const auto finished = auditor.run();
  bar.reset();
  const Outcome outcome{.auditing = *auditing,
                        .report = auditor.report(),
                        .differences = differences,
                        .seconds = std::chrono::duration<double>(steady_clock::now() - start).count(),
                        .trouble = finished ? std::string() : finished.error().detail};
  if (options.json) {
    print_verify_json(outcome);
  } else {
    print_verify_summary(outcome);
  }
  if (!finished) fail("could not finish: " + finished.error().detail);
  return finished && differences.count() == 0 ? kExitOk : kExitFailed;
}

}  // namespace tps
