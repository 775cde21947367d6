// For tests of this room: the whole API over a test store, asked without a socket.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "http/api/api.hpp"
#include "http/api/routes.hpp"
#include "http/api/test_service.hpp"

namespace tps::http {

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

class ApiTest : public testing::Test {
 protected:
  Response ask(Method method, std::string_view target, std::string_view body = {}, Headers headers = {}) {
    return ask_of(api_, method, target, body, std::move(headers));
  }
  Response ask_of(Api& api, Method method, std::string_view target, std::string_view body = {}, Headers headers = {}) {
    Request request;
    request.method = method;
    request.method_text = method_name(method);
    request.target = target;
    request.path = target.substr(0, target.find('?'));
    request.query = target.substr(std::min(target.size(), request.path.size() + 1));
    request.headers = std::move(headers);
    request.body = body;
    request.request_id = "r1";
    request.received_at = std::chrono::steady_clock::now();
    context_.restart();
    auto response = boost::asio::co_spawn(context_, api.handle(request), boost::asio::use_future);
    const auto work = boost::asio::make_work_guard(context_);
    while (response.wait_for(std::chrono::seconds(0)) != std::future_status::ready) context_.run_one();
    return response.get();
  }
  Response post(std::string_view body, Headers headers = {}) {
    headers.emplace_back("Content-Type", "application/json");
    return ask(Method::post, "/transactions", body, std::move(headers));
  }
  Response batch(std::string_view target, std::string_view body, std::string_view type = "application/json",
                 Headers headers = {}) {
    headers.emplace_back("Content-Type", type);
    return ask(Method::post, target, body, std::move(headers));
  }
  static std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "-";
  }

  boost::asio::io_context context_;  // outlives the lanes, which post to it
  TestService service_;
  std::optional<service::NotReady> not_ready_;
  bool readiness_throws_ = false;
  Readiness readiness_ = [this] {
    if (readiness_throws_) throw std::runtime_error("no");
    return not_ready_;
  };
  Api api_{routes(), service_.services(readiness_, {.max_batch_items = 4, .max_atomic_items = 2})};
};

inline constexpr std::string_view kGood = R"({"user_id":"user_11","amount":12.75,"currency":"usd"})";

}  // namespace tps::http
