// The little of an HTTP/1.1 response that a load generator needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tps::bench {

struct Head {
  int status = 0;
  std::size_t head_bytes = 0;    // includes the empty line
  std::size_t body_bytes = 0;    // Content-Length
  std::int64_t location_id = 0;  // the number that Location ends in; 0 without one
  bool close = false;            // Connection: close
  bool retry_after = false;      // has Retry-After
};

enum class Parse : std::uint8_t { incomplete, malformed, complete };

// Reads the head of a response from the start of `input`. Chunked bodies and unbounded ones are malformed here.
Parse parse_head(std::string_view input, Head& head);

// Appends every value of a member "id" in a JSON text, without parsing it.
void collect_ids(std::string_view json, std::vector<std::int64_t>& ids);

}  // namespace tps::bench
