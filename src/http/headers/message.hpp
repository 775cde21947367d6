// A request and its response as plain values. Handlers see only these; sockets stay in server.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tps::http {

enum class Method : std::uint8_t { get, head, post, put, delete_, options, other };

// Views live as long as the request's buffers, that is until the response has been made.
struct Request {
  Method method = Method::get;
  std::string_view method_text;
  std::string_view target;  // as sent, origin form
  std::string_view path;    // of target, not decoded
  std::string_view query;   // of target, without '?', not decoded
  // The host and port that the client addressed: of an absolute target, else of the Host header (RFC 9112
  // section 3.2.2).
  std::string_view authority;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  std::string_view body;
  std::string request_id;  // the client's X-Request-Id if it is sane, else made here
  std::string trace;       // of this request, as a traceparent; empty when the client sent none
  std::string remote_address;
  bool address_counted = false;  // its address has been asked for its share of requests
  bool admitted = false;         // the caller is authenticated, or the route needs no authentication
  std::chrono::steady_clock::time_point received_at{};
  std::chrono::steady_clock::time_point deadline{};

  // The value of the first header of this name (any case); nullopt when absent.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  // How often a header occurs.
  [[nodiscard]] std::size_t header_count(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string_view content_type = "application/json";  // static storage
  std::string body;
  // A body shared by many responses (documents, pages); used instead of `body` when set.
  std::shared_ptr<const std::string> shared_body;
  std::vector<std::pair<std::string_view, std::string>> headers;  // names in static storage; values without CR or LF
};

}  // namespace tps::http
