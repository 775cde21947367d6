#include "http/api/answers.hpp"

#include <string>
#include <utility>

#include "wire/problem.hpp"

namespace tps::http {

Response problem(const domain::Error& error, const Request& request) {
  Response response;
  response.status = wire::status_of(error.code);
  response.content_type = "application/problem+json";
  wire::append_problem(response.body, error, request.path, request.request_id);
  if (std::string seconds = wire::retry_after(error); !seconds.empty()) {
    response.headers.emplace_back("Retry-After", std::move(seconds));
  }
  if (error.code == domain::ErrorCode::unauthorized) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace tps::http
