// The connection parameters that libpq gets: what the operator wrote, and what this system needs besides.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace tps::postgres {

using Keywords = std::vector<std::pair<std::string, std::string>>;

// Adds, unless given: a TCP user timeout, keepalives, UTF-8, a session that may write, and an application name.
// Never `options`, which PgBouncer refuses. The error is libpq's sentence about a URL that it cannot read.
std::expected<Keywords, std::string> connection_keywords(const std::string& url);

// The items of a list with commas; empty ones too.
std::vector<std::string> items_of(const std::string& list);

// At least 1: without a host there is the default one.
std::size_t count_hosts(const Keywords& keywords);

// The same with the list of hosts (and their addresses and ports) rotated by `first`, so that a host that does not
// even refuse cannot keep the others from being tried.
Keywords starting_at_host(Keywords keywords, std::size_t first);

}  // namespace tps::postgres
