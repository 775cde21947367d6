#include "loop.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>

namespace tps::bench {

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kGrace = 10 * kSecond;   // for the last responses
constexpr std::uint64_t kLimit = 600 * kSecond;  // when only a count was given
constexpr std::uint64_t kLeastWait = 50'000;     // open loop: send due requests together, rather than wake for each
constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::size_t kMostAnswerBytes = 32 << 20;
constexpr std::uint64_t kMostReconnects = 1000;

std::uint64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
}

// SIGINT ends the load early; the figures are of what was.
volatile std::sig_atomic_t stop_asked = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): for a signal
void ask_to_stop(int) { stop_asked = 1; }

std::uint64_t to_ns(double seconds) { return static_cast<std::uint64_t>(seconds * static_cast<double>(kSecond)); }

}  // namespace

Loop::Loop(const Options& options)
    : options_(options),
      workload_(options),
      connections_(options.connections),
      buffer_(kReadBytes),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  prctl(PR_SET_TIMERSLACK, 1UL);
}

Loop::~Loop() {
  for (const Connection& connection : connections_) {
    if (connection.fd >= 0) close(connection.fd);
  }
  if (epoll_ >= 0) close(epoll_);
}

std::expected<Figures, std::string> Loop::run() {
  if (!options_.acknowledged.empty()) {
    acknowledged_.open(options_.acknowledged, std::ios::binary | std::ios::trunc);
    if (!acknowledged_) return std::unexpected("cannot write " + options_.acknowledged + ": " + std::strerror(errno));
  }
  for (Connection& connection : connections_) {
    if (!connect(connection)) return std::unexpected(std::string("cannot connect: ") + std::strerror(errno));
  }
  static_cast<void>(std::signal(SIGINT, ask_to_stop));  // cannot fail for this signal
  start_clock();
  for (Connection& connection : connections_) give_work(connection, start_);

  std::array<epoll_event, 512> events{};
  std::uint64_t now = start_;
  while (fatal_.empty() && !is_over(now)) {
    const std::uint64_t wait = next_wake(now) - now;
    const timespec timeout{static_cast<time_t>(wait / kSecond), static_cast<long>(wait % kSecond)};
    const int ready = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    if (ready < 0 && errno != EINTR) return std::unexpected(std::string("epoll: ") + std::strerror(errno));
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      Connection& connection = connections_[event.data.u64];
      if ((event.events & EPOLLOUT) != 0) flush(connection);
      if ((event.events & ~std::uint32_t{EPOLLOUT}) != 0) read(connection);
    }
    now = now_ns();
    if (stop_asked != 0) stop_early(now);
    if (options_.rate > 0) {
      give_up(now);
      send_due(now);
    }
  }
  if (!fatal_.empty()) return std::unexpected(fatal_);
  close_books(now);
  if (acknowledged_.is_open() && !acknowledged_.flush()) return std::unexpected("cannot write the ids");
  return figures_;
}

void Loop::start_clock() {
  start_ = now_ns();
  last_answer_ = start_;
  measured_from_ = start_ + (options_.count > 0 ? 0 : to_ns(options_.warmup_seconds));
  end_ = options_.count > 0 ? start_ + kLimit : measured_from_ + to_ns(options_.seconds);
  if (options_.rate > 0) {
    scheduled_ = static_cast<std::uint64_t>(std::llround(options_.rate * (options_.warmup_seconds + options_.seconds)));
  }
}

void Loop::stop_early(std::uint64_t now) {
  end_ = std::max(measured_from_, std::min(end_, now));
  scheduled_ = std::min(scheduled_, sent_);
}

std::uint64_t Loop::due_at(std::uint64_t index) const {
  return start_ + to_ns(static_cast<double>(index) / options_.rate);
}

bool Loop::may_send(std::uint64_t now) const {
  if (options_.rate > 0) return sent_ < scheduled_ && due_at(sent_) <= now;
  return now < end_ && (options_.count == 0 || sent_ < options_.count);
}

bool Loop::is_over(std::uint64_t now) const {
  if (now >= end_ + kGrace) return true;
  if (in_flight_ > 0) return false;
  if (options_.rate > 0) return sent_ == scheduled_;
  return now >= end_ || (options_.count > 0 && sent_ == options_.count);
}

std::uint64_t Loop::next_wake(std::uint64_t now) const {
  const std::uint64_t stop = now < end_ ? end_ : end_ + kGrace;
  if (options_.rate <= 0 || sent_ == scheduled_ || idle_.empty()) return std::max(stop, now);
  return std::max(due_at(sent_), now + kLeastWait);
}

void Loop::send_due(std::uint64_t now) {
  while (!idle_.empty() && may_send(now)) {
    Connection& connection = connections_[idle_.back()];
    idle_.pop_back();
    send_next(connection, due_at(sent_));
  }
}

void Loop::give_up(std::uint64_t now) {
  const std::uint64_t patience = to_ns(options_.patience_seconds);
  for (; sent_ < scheduled_ && due_at(sent_) + patience < now; ++sent_) {
    ++figures_.unsent;
    ++figures_.given_up;
  }
}

void Loop::give_work(Connection& connection, std::uint64_t now) {
  if (may_send(now)) {
    send_next(connection, options_.rate > 0 ? due_at(sent_) : now);
  } else if (options_.rate > 0) {
    idle_.push_back(static_cast<std::size_t>(&connection - connections_.data()));
  }
}

bool Loop::connect(Connection& connection) {
  connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection.fd < 0) return false;
  const timeval patience{2, 0};
  const int on = 1;
  setsockopt(connection.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  inet_pton(AF_INET, options_.host.c_str(), &address.sin_addr);
  if (::connect(connection.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
  watch(connection, false, EPOLL_CTL_ADD);
  return true;
}

bool Loop::reconnect(Connection& connection) {
  close(connection.fd);
  connection = Connection{};
  if (figures_.broken + figures_.malformed <= kMostReconnects && connect(connection)) return true;
  fatal_ = "the server closed " + std::to_string(figures_.broken + figures_.malformed) +
           " connections under requests and cannot be reached";
  return false;
}

void Loop::watch(Connection& connection, bool for_writing, int operation) {
  epoll_event event{};
  event.events = EPOLLIN | (for_writing ? std::uint32_t{EPOLLOUT} : 0U);
  event.data.u64 = static_cast<std::uint64_t>(&connection - connections_.data());
  epoll_ctl(epoll_, operation, connection.fd, &event);
}

void Loop::send_next(Connection& connection, std::uint64_t due) {
  const std::string_view request = workload_.next();
  connection.busy = true;
  connection.due = due;
  ++sent_;
  ++in_flight_;
  const ssize_t taken = send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  const auto bytes = static_cast<std::size_t>(std::max<ssize_t>(taken, 0));
  if (bytes == request.size()) return;
  // The next read reports a broken connection.
  connection.out = request.substr(bytes);
  watch(connection, true, EPOLL_CTL_MOD);
}

void Loop::flush(Connection& connection) {
  const ssize_t taken = send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (taken > 0) connection.out.erase(0, static_cast<std::size_t>(taken));
  const bool hopeless = taken < 0 && errno != EAGAIN;
  if (connection.out.empty() || hopeless) watch(connection, false, EPOLL_CTL_MOD);
}

void Loop::read(Connection& connection) {
  const ssize_t got = recv(connection.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0) {
    consume(connection, {buffer_.data(), static_cast<std::size_t>(got)});
    return;
  }
  const bool was_busy = connection.busy;
  if (was_busy) {
    ++figures_.broken;
    --in_flight_;
  }
  // An idle connection is already in the list of idle connections.
  if (reconnect(connection) && was_busy) give_work(connection, now_ns());
}

void Loop::consume(Connection& connection, std::string_view bytes) {
  const bool in_parts = !connection.in.empty();
  if (in_parts) bytes = connection.in.append(bytes);
  if (connection.needed > bytes.size()) return;
  Head head;
  const Parse parsed = parse_head(bytes, head);
  const std::size_t needed = head.head_bytes + head.body_bytes;
  const bool whole = parsed == Parse::complete && needed <= bytes.size();
  if (!whole && parsed != Parse::malformed && std::max(needed, bytes.size()) <= kMostAnswerBytes) {
    if (!in_parts) connection.in = bytes;
    connection.needed = parsed == Parse::complete ? needed : 0;
    return;
  }
  // Surplus bytes and responses without a request count as malformed.
  if (!whole || needed != bytes.size() || !connection.busy) {
    ++figures_.malformed;
    if (connection.busy) --in_flight_;
    const bool was_busy = connection.busy;
    if (reconnect(connection) && was_busy) give_work(connection, now_ns());
    return;
  }
  finish(connection, head, bytes.substr(head.head_bytes));
}

void Loop::finish(Connection& connection, const Head& head, std::string_view body) {
  const std::uint64_t now = now_ns();
  // Open loop: requests that were due in the window count, even if the response is late.
  const std::uint64_t when = options_.rate > 0 ? connection.due : now;
  const bool measured = when >= measured_from_ && when < end_;
  if (measured) {
    const std::uint64_t waited = now > connection.due ? now - connection.due : 0;
    figures_.latency.record(waited);
    if (head.status / 100 == 2) figures_.ok_latency.record(waited);
    ++figures_.by_status[static_cast<std::size_t>(std::min(head.status, 599))];
  }
  if ((head.status == 429 || head.status == 503) && !head.retry_after) ++figures_.unexplained;
  if (head.status / 100 == 2) acknowledge(head, body, measured);
  last_answer_ = now;
  --in_flight_;
  connection.busy = false;
  connection.needed = 0;
  connection.in.clear();
  // The server announced that it closes the connection. Close it first, so that no request is lost.
  if (head.close && !reconnect(connection)) return;
  give_work(connection, now);
}

void Loop::acknowledge(const Head& head, std::string_view body, bool measured) {
  if (options_.mode != Mode::post && options_.mode != Mode::batch) return;
  ids_.clear();
  if (options_.mode == Mode::post && head.location_id > 0) {
    ids_.push_back(head.location_id);
  } else {
    collect_ids(body, ids_);
  }
  figures_.stored_total += ids_.size();
  if (measured) figures_.stored += ids_.size();
  if (acknowledged_.is_open()) {
    acknowledged_.write(reinterpret_cast<const char*>(ids_.data()),
                        static_cast<std::streamsize>(ids_.size() * sizeof(std::int64_t)));
  }
}

void Loop::close_books(std::uint64_t now) {
  // Requests that were never sent count with the time that they waited.
  const auto record_wait = [&](std::uint64_t due) {
    if (due >= measured_from_) figures_.latency.record(now - due);
  };
  for (const Connection& connection : connections_) {
    if (!connection.busy) continue;
    ++figures_.unanswered;
    record_wait(connection.due);
  }
  for (; sent_ < scheduled_; ++sent_) {
    ++figures_.unsent;
    record_wait(due_at(sent_));
  }
  std::uint64_t until = end_;
  if (options_.count > 0) until = last_answer_;
  if (options_.rate > 0) until = std::max(end_, last_answer_);
  figures_.seconds = static_cast<double>(until - measured_from_) / static_cast<double>(kSecond);
}

}  // namespace tps::bench
