#include "adapters/sqlite/log.hpp"

#include <string_view>

namespace tps::sqlite {
namespace {

using ports::StoreResult;

constexpr std::string_view kLogEnd =
    "SELECT id, created_at FROM transaction_log WHERE id > ?1 AND id < ?2 ORDER BY id DESC LIMIT 1";

constexpr std::string_view kPosition =
    "SELECT transaction_id, settled_at FROM settlement_log WHERE transaction_id > ?1 AND transaction_id < ?2"
    " ORDER BY transaction_id DESC LIMIT 1";

}  // namespace

std::expected<LogEnd, int> log_end(Connection& connection, std::uint32_t partition) {
  Use use(connection.statement(kLogEnd));
  use->bind(1, domain::id_before_first(partition));
  use->bind(2, domain::id_before_first(partition + 1));
  const int code = use->step();
  if (code == SQLITE_DONE) return LogEnd{domain::id_before_first(partition), {}};
  if (code != SQLITE_ROW) return std::unexpected(code);
  return LogEnd{use->integer(0), use->time(1)};
}

StoreResult<Position> position_of(Connection& connection, std::uint32_t partition) {
  Use use(connection.statement(kPosition));
  use->bind(1, domain::id_before_first(partition));
  use->bind(2, domain::id_before_first(partition + 1));
  const int code = use->step();
  if (code == SQLITE_DONE) return Position{domain::id_before_first(partition), {}};
  if (code != SQLITE_ROW) return std::unexpected(connection.fault(code));
  return Position{use->integer(0), use->time(1)};
}

}  // namespace tps::sqlite
