#include "http/headers/media_type.hpp"

#include "wire/ascii.hpp"

namespace tps::http {

BodyKind body_kind(const Request& request) {
  // Nothing is decompressed here, so a compressed body is not what its type says.
  const auto encoding = request.header("content-encoding");
  if (encoding && !wire::equal_ignoring_case(*encoding, "identity")) return BodyKind::other;
  const auto value = request.header("content-type");
  if (!value || request.header_count("content-type") > 1) return BodyKind::other;
  std::string_view rest = *value;
  const std::string_view type = wire::next_element(rest, ';');
  while (!rest.empty()) {
    std::string_view parameter = wire::next_element(rest, ';');
    if (!wire::equal_ignoring_case(wire::next_element(parameter, '='), "charset")) continue;
    if (!wire::equal_ignoring_case(parameter, "utf-8") && !wire::equal_ignoring_case(parameter, "\"utf-8\"")) {
      return BodyKind::other;
    }
  }
  if (wire::equal_ignoring_case(type, "application/json")) return BodyKind::json;
  if (wire::equal_ignoring_case(type, "application/x-www-form-urlencoded")) return BodyKind::form;
  return wire::equal_ignoring_case(type, "application/x-ndjson") ? BodyKind::json_lines : BodyKind::other;
}

}  // namespace tps::http
