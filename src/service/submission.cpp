#include "service/submission.hpp"

#include <utility>

#include "service/identity.hpp"

namespace tps::service {

domain::Submission make_submission(Instruction instruction, std::string_view principal, std::uint32_t partitions) {
  domain::Submission submission{.transaction = std::move(instruction.transaction),
                                .parent = std::move(instruction.parent)};
  domain::Transaction& transaction = submission.transaction;
  transaction.partition = partition_of(transaction.user_id, partitions);
  if (transaction.to_user_id) transaction.to_partition = partition_of(*transaction.to_user_id, partitions);
  transaction.created_by = principal;
  if (instruction.key) {
    transaction.idempotency_hash =
        idempotency_hash(principal, transaction.user_id, instruction.key->text, instruction.key->item);
    transaction.content_hash = content_hash(transaction);
  }
  return submission;
}

}  // namespace tps::service
