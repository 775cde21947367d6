// Cursors: where the next page of a list starts. Opaque to clients; one made for other filters is refused, since it
// would silently skip rows. It carries the epoch of the place (ports/history.hpp). Not a secret: it can show nothing
// that the list itself would not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ports/store.hpp"

namespace tps::http {

// Where to go on: of a list with the newest first, the id to go below; of the change feed, the positions in the
// partitions; of a statement, the version to go above. The query gives the filters, the order and the epoch; its limit
// may change between pages.
std::string make_cursor(std::int64_t after, const ports::ListQuery& query);
std::string make_cursor(const std::vector<std::int64_t>& positions, const ports::ListQuery& query);
std::string make_cursor(std::int64_t after, const ports::StatementQuery& query);

// nullopt for anything but a cursor that make_cursor gave for these filters, in whatever epoch.
std::optional<std::int64_t> read_cursor(std::string_view text, const ports::ListQuery& query);
std::optional<std::vector<std::int64_t>> read_positions(std::string_view text, const ports::ListQuery& query);
std::optional<std::int64_t> read_cursor(std::string_view text, const ports::StatementQuery& query);

// The epoch of the place in a cursor that was read.
std::uint64_t epoch_of_cursor(std::string_view text);

}  // namespace tps::http
