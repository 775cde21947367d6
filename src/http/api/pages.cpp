#include "http/api/pages.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "embedded/pages.hpp"

namespace tps::http {
namespace {

struct Place {
  std::string_view path;
  std::string_view content_type;
  std::string_view file;
};

constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kScript = "text/javascript; charset=utf-8";
constexpr std::string_view kStyle = "text/css; charset=utf-8";

constexpr std::array kPlaces{
    Place{"/openapi.json", "application/json", "openapi.json"},
    Place{"/docs", kHtml, "docs.html"},
    Place{"/docs/assets/docs.js", kScript, "docs.js"},
    Place{"/docs/assets/swagger-ui-bundle.js", kScript, "swagger-ui-bundle.js"},
    Place{"/docs/assets/swagger-ui.css", kStyle, "swagger-ui.css"},
    Place{"/redoc", kHtml, "redoc.html"},
    Place{"/docs/assets/redoc.standalone.js", kScript, "redoc.standalone.js"},
    Place{"/docs/assets/redoc.css", kStyle, "redoc.css"},
};

const embedded::File* find(std::span<const embedded::File> files, std::string_view name) {
  const auto found = std::ranges::find(files, name, &embedded::File::name);
  return found == files.end() ? nullptr : &*found;
}

}  // namespace

std::vector<Page> pages_of(std::span<const embedded::File> files) {
  const embedded::File* left_out = find(files, "left_out.html");
  std::vector<Page> pages;
  pages.reserve(kPlaces.size());
  for (const Place& place : kPlaces) {
    const embedded::File* file = find(files, place.file);
    if (file == nullptr && left_out == nullptr) std::abort();  // cmake/Pages.cmake and kPlaces differ
    if (file == nullptr && place.content_type == kHtml) file = left_out;
    if (file == nullptr) continue;
    pages.push_back({place.path, place.content_type, std::make_shared<const std::string>(file->content)});
  }
  return pages;
}

const std::vector<Page>& pages() {
  static const std::vector<Page> kPages = pages_of(embedded::pages);
  return kPages;
}

}  // namespace tps::http
