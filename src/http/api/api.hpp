// The choke point: every request passes here to be matched, authorised, timed, counted and, if something throws,
// caught.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <exception>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/error.hpp"
#include "http/api/routes.hpp"
#include "http/api/services.hpp"
#include "http/headers/message.hpp"

namespace tps::http {

// One for the process; any IO thread may call. References must outlive it.
class Api {
 public:
  // `table` is routes() or worker_routes().
  Api(std::span<const Route> table, Services services);

  // The answer to a whole request; never throws. Sets the request's deadline. `request` must outlive the coroutine.
  boost::asio::awaitable<Response> handle(Request& request);

  // The response to a request whose head alone shows that the caller is not allowed, so that it need not send a large
  // body. Sets the request's deadline. `request` must outlive the coroutine.
  boost::asio::awaitable<std::optional<Response>> refuse_early(Request& request);

  // The answer to what the server refuses by itself. The request may be empty but for its id.
  Response refuse(const domain::Error& error, const Request& request);

  // The largest body that a request may have.
  [[nodiscard]] std::size_t body_limit(Method method, std::string_view path) const;

 private:
  struct Entry {
    const Route* route;
    ops::RouteMetrics* metrics;
    ops::RouteMetrics* head_metrics;  // GET routes only
  };
  struct Path {
    std::string_view path_template;
    std::vector<Entry> entries;  // one for each method
    std::string allow;           // its Allow header
  };
  struct Match {
    const Path* path = nullptr;
    const Entry* entry = nullptr;  // of that path
    Parameters parameters;
  };

  void add(const Route& route);
  [[nodiscard]] Match find(Method method, std::string_view path) const;
  boost::asio::awaitable<std::expected<auth::SharedPrincipal, Response>> admit(const Route& route, Request& request);
  boost::asio::awaitable<Response> run(const Route& route, const Parameters& parameters, Request& request);
  static Response failed(const std::exception& error, const Request& request);
  void end(const Match& found, const Request& request, const Response& response);
  [[nodiscard]] Response limited(const domain::Error& error, const Request& request) const;
  [[nodiscard]] domain::Error no_route(const Request& request) const;
  [[nodiscard]] Response answer_unmatched(const Match& found, const Request& request) const;
  ops::RouteMetrics& metrics_of(const Match& found, const Request& request);

  const Services services_;
  std::vector<Path> paths_;  // in the order of the table
  std::string allow_;        // of the server as a whole
  std::array<ops::RouteMetrics*, static_cast<std::size_t>(Method::other) + 1> unmatched_{};
};

}  // namespace tps::http
