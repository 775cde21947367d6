// The list of transactions, in both orders. Always of the primary.
#pragma once

#include "adapters/postgres/session.hpp"
#include "ports/store.hpp"

namespace tps::postgres {

Answer<ports::ListPage> list(Session& session, const ports::ListQuery& query, ports::Deadline deadline);

}  // namespace tps::postgres
