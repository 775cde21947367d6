// Cursors: where the next page of a list starts. Opaque to clients; one made for other filters is refused, since it
// would silently skip rows. Not a secret: it can show nothing that the list itself would not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "service/ports.hpp"

namespace tps::http {

// `after` is the last id seen. `query` gives the filters and the order; its limit may change between pages.
std::string make_cursor(std::int64_t after, const service::ListQuery& query);

// The id; nullopt for anything but a cursor that make_cursor gave for these filters.
std::optional<std::int64_t> read_cursor(std::string_view text, const service::ListQuery& query);

}  // namespace tps::http
