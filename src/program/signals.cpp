#include "program/signals.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "ops/log.hpp"

namespace tps {
namespace {

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int one : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, one);
  return signals;
}

// The exit code by which shells report a process that a signal ended.
void end_at_once(int signal) { _exit(128 + signal); }

}  // namespace

void end_on_signals() {
  if (getpid() != 1) return;  // the system ends the process itself
  struct sigaction action{};
  action.sa_handler = end_at_once;
  for (const int one : {SIGTERM, SIGINT}) sigaction(one, &action, nullptr);
}

void block_signals() {
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));  // cannot fail for this signal
}

void wait_for_end(const std::function<void()>& reload) {
  const sigset_t signals = handled_signals();
  while (true) {
    const int received = sigwaitinfo(&signals, nullptr);
    if (received == SIGTERM || received == SIGINT) return;
    if (received != SIGHUP) continue;
    ops::log(ops::Level::info, "SIGHUP received");
    reload();
  }
}

bool wait_for_end(std::chrono::milliseconds patience) {
  const sigset_t signals = handled_signals();
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto left = std::max(give_up - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration::zero());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec limit{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    const int received = sigtimedwait(&signals, nullptr, &limit);
    if (received == SIGTERM || received == SIGINT) return true;
    if (received < 0 && errno == EAGAIN) return false;
  }
}

}  // namespace tps
