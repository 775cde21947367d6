// The one table of what can be asked.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "http/handlers.hpp"
#include "http/message.hpp"

namespace tps::http {

// A handler that waits for something is a coroutine; one that does not is a function.
using Handler = std::variant<Response (*)(const Call&), ResponseTask (*)(Call)>;

struct Route {
  Method method;
  std::string_view path_template;  // at most one {parameter}, a whole segment
  std::size_t max_body_bytes;
  Handler handler;
  std::string_view scope;  // what a caller must be allowed; nothing asks yet
};

// GET routes answer HEAD too.
std::span<const Route> routes();

std::string_view method_name(Method method);

// If `path` fits: the segment that stands for {parameter}, empty when the template has none. A path that is in the
// table literally fits only there.
std::optional<std::string_view> match(std::string_view path_template, std::string_view path);

// The Allow header of a path; empty when no route fits the path.
std::string allowed_methods(std::string_view path);

}  // namespace tps::http
