// A server of a test service on a free port, and a client that says exactly the bytes it is told to.
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "http/api/test_service.hpp"
#include "http/server/server.hpp"

namespace tps::http {

struct TestServer {
  explicit TestServer(ServerOptions options = {}) : server(with_port(std::move(options)), api, service.metrics) {
    const auto started = server.start();
    if (!started) throw std::runtime_error(started.error());
  }
  ~TestServer() {
    service.submit.stop();
    service.read.stop();
    service.query.stop();
    server.stop();
  }
  static ServerOptions with_port(ServerOptions options) {
    options.listen = parse_endpoint("127.0.0.1:0").value();
    options.sweep_interval = std::chrono::milliseconds(10);
    return options;
  }

  TestService service;
  Api api{routes(), service.services([] { return std::nullopt; })};
  Server server;
};

class Client {
 public:
  explicit Client(const TestServer& server) : socket_(context_) {
    socket_.connect({boost::asio::ip::address_v4::loopback(), server.server.port()});
  }

  Client& send(std::string_view bytes) {
    boost::system::error_code ignored;  // the server may have closed already
    boost::asio::write(socket_, boost::asio::buffer(bytes), ignored);
    return *this;
  }
  Client& end() {
    socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send);
    return *this;
  }
  // Everything until the server closes.
  std::string rest() {
    std::string bytes;
    boost::system::error_code error;
    boost::asio::read(socket_, boost::asio::dynamic_buffer(bytes), error);
    return bytes;
  }
  // Up to and including the first occurrence of `mark`.
  std::string until(std::string_view mark) {
    while (pending_.find(mark) == std::string::npos) {
      char piece[4096];
      boost::system::error_code error;
      const std::size_t count = socket_.read_some(boost::asio::buffer(piece), error);
      if (error) return std::exchange(pending_, {}) + "<" + error.message() + ">";
      pending_.append(piece, count);
    }
    const std::size_t end = pending_.find(mark) + mark.size();
    std::string bytes = pending_.substr(0, end);
    pending_.erase(0, end);
    return bytes;
  }

 private:
  boost::asio::io_context context_;
  boost::asio::ip::tcp::socket socket_;
  std::string pending_;
};

inline std::string get(std::string_view path, std::string_view headers = "Connection: close\r\n") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n";
}

inline std::string post(std::string_view path, std::string_view body, std::string_view headers = "") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

}  // namespace tps::http
