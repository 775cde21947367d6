// /health, /readiness, /metrics and the pages that are served as they are.
#include <algorithm>

#include "http/api/answers.hpp"
#include "http/api/handlers.hpp"
#include "http/api/pages.hpp"

namespace tps::http {

Response health(const Call& /*call*/) {
  static const auto kBody = std::make_shared<const std::string>(R"({"status":"ok"})");
  Response response;
  response.shared_body = kBody;
  return response;
}

Response readiness(const Call& call) {
  if (auto not_ready = call.services.readiness()) {
    return problem({not_ready->code, std::move(not_ready->reason)}, call.request);
  }
  Response response;
  response.body = R"({"status":"ready"})";
  return response;
}

Response metrics(const Call& call) {
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = call.services.metrics.text();
  return response;
}

Response page(const Call& call) {
  const auto found = std::ranges::find(pages(), call.request.path, &Page::path);
  if (found == pages().end()) return problem({domain::ErrorCode::not_found, {}}, call.request);
  Response response;
  response.content_type = found->content_type;
  response.shared_body = found->body;
  response.headers.emplace_back("Cache-Control", "no-cache");
  return response;
}

}  // namespace tps::http
