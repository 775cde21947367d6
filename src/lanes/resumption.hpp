// How another thread wakes a coroutine that waits on its IO thread: many at once, with one hand-over per IO thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <span>
#include <utility>

namespace tps::lanes {

// A suspended coroutine. Set once by suspend(), used once by resume_all().
class Resumption {
 public:
  // Suspends the calling coroutine, then calls `hand_over()`, after which any thread may pass this object to
  // resume_all(), even before this call is back. The object must live in the coroutine's frame or longer.
  template <class HandOver>
  boost::asio::awaitable<void> suspend(HandOver hand_over) {
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
        [this, hand_over = std::move(hand_over)](auto handler) mutable {
          executor_ = boost::asio::get_associated_executor(handler);
          resume_ = [resumed = std::move(handler)]() mutable { std::move(resumed)(); };
          hand_over();
        },
        boost::asio::use_awaitable);
  }

 private:
  friend void resume_all(std::span<Resumption* const> waiting);

  boost::asio::any_io_executor executor_;
  std::move_only_function<void()> resume_;
};

// Resumes each on its own executor, in order; one post per executor. Any thread may call.
void resume_all(std::span<Resumption* const> waiting);

}  // namespace tps::lanes
