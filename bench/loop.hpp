// One thread, many keep-alive connections: sends what the workload makes, counts and times what comes back.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <fstream>
#include <string>
#include <vector>

#include "histogram.hpp"
#include "options.hpp"
#include "reply.hpp"
#include "workload.hpp"

namespace tps::bench {

struct Figures {
  double seconds = 0;    // length of the measured window
  Histogram latency;     // nanoseconds, of all responses in the window
  Histogram ok_latency;  // of the 2xx responses in the window
  std::array<std::uint64_t, 600> by_status{};
  std::uint64_t stored = 0;        // transactions acknowledged in the window
  std::uint64_t stored_total = 0;  // before, in and after the window
  // Errors of the whole run.
  std::uint64_t broken = 0;       // connections lost while a response was due
  std::uint64_t malformed = 0;    // responses that could not be parsed
  std::uint64_t unexplained = 0;  // 429 and 503 without Retry-After
  std::uint64_t unanswered = 0;
  std::uint64_t unsent = 0;    // open loop: due, but no connection became free in time
  std::uint64_t given_up = 0;  // of these, after patience ended; not in the latencies
};

class Loop {
 public:
  explicit Loop(const Options& options);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Blocks until the load is over and the last response has arrived, at most 10 s late. The error is a sentence.
  std::expected<Figures, std::string> run();

 private:
  struct Connection {
    int fd = -1;
    bool busy = false;
    std::uint64_t due = 0;   // when the request in flight was to be sent
    std::size_t needed = 0;  // bytes of the response, once its head is known
    std::string in;          // the start of a response that arrived in parts
    std::string out;         // the unsent rest of a request
  };

  bool connect(Connection& connection);
  bool reconnect(Connection& connection);
  void send_next(Connection& connection, std::uint64_t due);
  void flush(Connection& connection);
  void watch(Connection& connection, bool for_writing, int operation);
  void read(Connection& connection);
  void consume(Connection& connection, std::string_view bytes);
  void finish(Connection& connection, const Head& head, std::string_view body);
  void acknowledge(const Head& head, std::string_view body, bool measured);
  void give_work(Connection& connection, std::uint64_t now);
  void send_due(std::uint64_t now);
  void give_up(std::uint64_t now);
  [[nodiscard]] bool may_send(std::uint64_t now) const;
  [[nodiscard]] bool is_over(std::uint64_t now) const;
  [[nodiscard]] std::uint64_t next_wake(std::uint64_t now) const;
  [[nodiscard]] std::uint64_t due_at(std::uint64_t index) const;
  void start_clock();
  void stop_early(std::uint64_t now);
  void close_books(std::uint64_t now);

  const Options options_;
  Workload workload_;
  Figures figures_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> idle_;  // open loop: connections without a request
  std::vector<char> buffer_;       // the bytes of one recv(); shared, so that it stays in the CPU's cache
  std::vector<std::int64_t> ids_;  // of one batch
  std::ofstream acknowledged_;
  int epoll_ = -1;
  std::uint64_t start_ = 0, measured_from_ = 0, end_ = 0;
  std::uint64_t last_answer_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t scheduled_ = 0;  // open loop: requests in the whole schedule
  std::size_t in_flight_ = 0;
  std::string fatal_;
};

}  // namespace tps::bench
