#include "files/import_run.hpp"

#include <algorithm>
#include <future>

namespace tps::files {
namespace {

using domain::Acceptance;
using domain::ErrorCode;

constexpr std::size_t kMaxBatchBytes = 8'000'000;

std::optional<Flaw> flaw_of_submission(const domain::Submission& submission) {
  switch (submission.acceptance) {
    case Acceptance::key_reused:
      return Flaw{slug(ErrorCode::idempotency_key_reused), "Its key was used before with other content"};
    case Acceptance::duplicate_reference:
      return Flaw{slug(ErrorCode::duplicate_reference),
                  "The user has a transaction with this reference already",
                  {},
                  submission.existing_id};
    case Acceptance::unprocessable:
      return Flaw{slug(ErrorCode::unprocessable), "The store cannot hold this transaction"};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::expected<void, std::string> ImportRun::run() {
  Batch flying;
  std::future<std::expected<void, std::string>> landing;
  while (true) {
    auto batch = read();
    if (landing.valid()) {
      const auto landed = landing.get();
      const auto concluded = conclude(flying);
      if (!landed) return landed;
      if (!concluded) return concluded;
      parts_.progress(flying.bytes_read, counts_.lines());
    }
    if (!batch) return std::unexpected(std::move(batch.error()));
    flying = std::move(*batch);
    if (parts_.max_rejects && counts_.rejected + flying.rejects.size() > *parts_.max_rejects) {
      if (auto concluded = conclude(flying); !concluded) return concluded;
      return std::unexpected("more lines are rejected than --max-rejects allows");
    }
    if (flying.last && flying.submissions.empty()) return conclude(flying);
    if (parts_.stop()) return std::unexpected("interrupted");
    landing = std::async(std::launch::async, [&] { return fly(parts_.store, flying.submissions, parts_.persistence); });
  }
}

std::expected<ImportRun::Batch, std::string> ImportRun::read() {
  Batch batch;
  while (batch.submissions.size() + batch.rejects.size() < parts_.max_batch &&
         batch.texts.size() + batch.reject_bytes < kMaxBatchBytes) {
    auto item = parts_.reader.next();
    if (!item) return std::unexpected(std::move(item.error()));
    if (!*item) {
      batch.last = true;
      break;
    }
    add(batch, std::move(**item));
  }
  batch.bytes_read = parts_.reader.bytes();
  return batch;
}

void ImportRun::add(Batch& batch, ImportItem item) const {
  if (!item.instruction) {
    reject(batch, item.line, item.instruction.error(), item.text);
    return;
  }
  batch.submissions.push_back(
      service::make_submission(std::move(*item.instruction), parts_.principal, parts_.partitions));
  batch.places.push_back({item.line, batch.texts.size(), item.text.size()});
  batch.texts += item.text;
}

void ImportRun::reject(Batch& batch, std::uint64_t line, const Flaw& flaw, std::string_view text) {
  batch.rejects.emplace_back(line, reject_json(line, flaw, text));
  batch.reject_bytes += batch.rejects.back().second.size();
}

std::expected<void, std::string> ImportRun::conclude(Batch& batch) {
  for (std::size_t i = 0; i < batch.submissions.size(); ++i) {
    const domain::Submission& submission = batch.submissions[i];
    if (submission.acceptance == Acceptance::accepted) ++counts_.imported;
    if (submission.acceptance == Acceptance::replayed) ++counts_.already_there;
    if (const auto flaw = flaw_of_submission(submission)) {
      const Batch::Place& place = batch.places[i];
      reject(batch, place.line, *flaw, std::string_view(batch.texts).substr(place.begin, place.size));
    }
  }
  std::ranges::sort(batch.rejects);
  counts_.rejected += batch.rejects.size();
  for (const auto& [line, json] : batch.rejects) {
    if (auto written = parts_.rejects.write(json); !written) return written;
  }
  return {};
}

}  // namespace tps::files
