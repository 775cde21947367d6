#include "http/server/response_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "wire/json_writer.hpp"

namespace tps::http {
namespace {

std::string_view status_line(int status) {
  switch (status) {
    case 200:
      return "HTTP/1.1 200 OK\r\n";
    case 201:
      return "HTTP/1.1 201 Created\r\n";
    case 202:
      return "HTTP/1.1 202 Accepted\r\n";
    case 204:
      return "HTTP/1.1 204 No Content\r\n";
    case 400:
      return "HTTP/1.1 400 Bad Request\r\n";
    case 401:
      return "HTTP/1.1 401 Unauthorized\r\n";
    case 403:
      return "HTTP/1.1 403 Forbidden\r\n";
    case 404:
      return "HTTP/1.1 404 Not Found\r\n";
    case 405:
      return "HTTP/1.1 405 Method Not Allowed\r\n";
    case 406:
      return "HTTP/1.1 406 Not Acceptable\r\n";
    case 408:
      return "HTTP/1.1 408 Request Timeout\r\n";
    case 409:
      return "HTTP/1.1 409 Conflict\r\n";
    case 410:
      return "HTTP/1.1 410 Gone\r\n";
    case 413:
      return "HTTP/1.1 413 Content Too Large\r\n";
    case 414:
      return "HTTP/1.1 414 URI Too Long\r\n";
    case 415:
      return "HTTP/1.1 415 Unsupported Media Type\r\n";
    case 417:
      return "HTTP/1.1 417 Expectation Failed\r\n";
    case 422:
      return "HTTP/1.1 422 Unprocessable Content\r\n";
    case 429:
      return "HTTP/1.1 429 Too Many Requests\r\n";
    case 431:
      return "HTTP/1.1 431 Request Header Fields Too Large\r\n";
    case 503:
      return "HTTP/1.1 503 Service Unavailable\r\n";
    case 504:
      return "HTTP/1.1 504 Gateway Timeout\r\n";
    default:
      return "HTTP/1.1 500 Internal Server Error\r\n";
  }
}

// Pages run only scripts that this server serves; nothing else is a page.
constexpr std::string_view kPagePolicy =
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "worker-src 'self' blob:; frame-ancestors 'none'\r\n";
constexpr std::string_view kPlainPolicy =
    "X-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";

}  // namespace

std::string http_date(std::chrono::sys_seconds time) {
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

void append_head(std::string& out, const Response& response, const Request& request, ConnectionNote note,
                 std::string_view date) {
  const std::size_t body_bytes = response.shared_body ? response.shared_body->size() : response.body.size();
  out += status_line(response.status);
  out += "Date: ";
  out += date;
  if (response.status != 204) {
    out += "\r\nContent-Type: ";
    out += response.content_type;
    out += "\r\nContent-Length: ";
    wire::append_integer(out, static_cast<std::int64_t>(body_bytes));
  }
  out += "\r\nX-Request-Id: ";
  out += request.request_id;
  if (!request.trace.empty()) {
    out += "\r\nTraceparent: ";
    out += request.trace;
  }
  out += "\r\n";
  out += response.content_type.starts_with("text/html") ? kPagePolicy : kPlainPolicy;
  for (const auto& [name, value] : response.headers) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
  const bool cached = std::ranges::any_of(response.headers, [](const auto& h) { return h.first == "Cache-Control"; });
  if (!cached) out += "Cache-Control: no-store\r\n";
  if (note == ConnectionNote::close) out += "Connection: close\r\n";
  if (note == ConnectionNote::keep_alive) out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

}  // namespace tps::http
