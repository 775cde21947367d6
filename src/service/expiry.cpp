#include "service/expiry.hpp"

#include <memory>
#include <string>

#include "service/identity.hpp"

namespace tps::service {
namespace {

// No client's principal: those are never empty.
constexpr std::string_view kPrincipal;
constexpr std::string_view kCreatedBy = "tps";

}  // namespace

std::vector<domain::Submission> expiries_of(std::span<const domain::Transaction> holds) {
  std::vector<domain::Submission> submissions;
  submissions.reserve(holds.size());
  for (const domain::Transaction& hold : holds) {
    domain::Submission& submission = submissions.emplace_back();
    submission.parent = std::make_shared<const domain::Transaction>(hold);
    domain::Transaction& expiry = submission.transaction;
    expiry.type = domain::Type::expiry;
    expiry.partition = hold.partition;
    expiry.user_id = hold.user_id;
    expiry.amount_minor = hold.amount_minor;
    expiry.currency = hold.currency;
    expiry.parent_id = hold.id;
    expiry.created_by = kCreatedBy;
    const std::string key = "expiry " + std::to_string(hold.id);
    expiry.idempotency_hash = idempotency_hash(kPrincipal, hold.user_id, key, std::nullopt);
    expiry.content_hash = content_hash(expiry);
  }
  return submissions;
}

}  // namespace tps::service
