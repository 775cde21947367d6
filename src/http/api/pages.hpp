// The static pages: the OpenAPI document, the two pages that show it, and their scripts. All of them are in the
// binary.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "embedded/file.hpp"

namespace tps::http {

struct Page {
  std::string_view path;          // "/docs"
  std::string_view content_type;  // with charset
  std::shared_ptr<const std::string> body;
};

// The same every time. The first call copies the bodies; any thread may call.
const std::vector<Page>& pages();

// The pages made of the embedded files. A build without the scripts of npm (TPS_PAGES=OFF) has `left_out.html` in their
// place: /docs and /redoc are then this page, and their scripts are no pages. Aborts if a file is missing otherwise.
std::vector<Page> pages_of(std::span<const embedded::File> files);

}  // namespace tps::http
