// What is served as it is: the OpenAPI document, the two pages that show it, and their scripts. All of it is in the
// binary.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tps::http {

struct Page {
  std::string_view path;          // "/docs"
  std::string_view content_type;  // with charset
  std::shared_ptr<const std::string> body;
};

// The same every time. The first call copies the bodies; any thread may call.
const std::vector<Page>& pages();

}  // namespace tps::http
