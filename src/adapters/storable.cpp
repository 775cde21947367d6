#include "adapters/storable.hpp"

namespace tps::adapters {
namespace {

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }
bool has_nul(const std::optional<std::string>& text) { return text && has_nul(*text); }

}  // namespace

bool storable(const domain::Transaction& transaction, const domain::Currencies& currencies) {
  return !has_nul(transaction.user_id) && !has_nul(transaction.to_user_id) && !has_nul(transaction.reference) &&
         !has_nul(transaction.description) && !has_nul(transaction.metadata) && !has_nul(transaction.created_by) &&
         currencies.find(transaction.currency) != nullptr;
}

bool storable(const ports::ApiKey& key) {
  return storable(key.id) && storable(key.subject) && storable(key.scopes) && !has_nul(key.only_user) &&
         storable(key.created_by);
}

bool storable(const std::string& text) { return !has_nul(text); }

ports::StoreFault unstorable() { return {ports::StoreFault::Kind::refused, "text with U+0000 cannot be stored"}; }

void refuse(std::span<domain::Submission* const> flight, domain::Submission& culprit) {
  culprit.acceptance = domain::Acceptance::unprocessable;
  if (culprit.group == 0) return;
  for (domain::Submission* submission : flight) {
    if (submission->group == culprit.group && submission->acceptance == domain::Acceptance::undecided) {
      submission->acceptance = domain::Acceptance::group_refused;
    }
  }
}

void refuse_unstorable(std::span<domain::Submission* const> flight, const domain::Currencies& currencies) {
  for (domain::Submission* submission : flight) {
    if (submission->acceptance == domain::Acceptance::undecided && !storable(submission->transaction, currencies)) {
      refuse(flight, *submission);
    }
  }
}

}  // namespace tps::adapters
