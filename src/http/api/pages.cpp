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

std::string_view content(std::string_view file) {
  const auto found = std::ranges::find(embedded::pages, file, &embedded::File::name);
  if (found == embedded::pages.end()) std::abort();  // cmake/Pages.cmake and kPlaces differ
  return found->content;
}

std::vector<Page> load() {
  std::vector<Page> pages;
  pages.reserve(kPlaces.size());
  for (const Place& place : kPlaces) {
    pages.push_back({place.path, place.content_type, std::make_shared<const std::string>(content(place.file))});
  }
  return pages;
}

}  // namespace

const std::vector<Page>& pages() {
  static const std::vector<Page> kPages = load();
  return kPages;
}

}  // namespace tps::http
