#include "lanes/resumption.hpp"

#include <boost/asio/post.hpp>
#include <vector>

namespace tps::lanes {

void resume_all(std::span<Resumption* const> waiting) {
  // A handful of executors at most (one per IO thread), so a linear look for the next one is fine.
  std::vector<Resumption*> rest(waiting.begin(), waiting.end());
  while (!rest.empty()) {
    const boost::asio::any_io_executor executor = rest.front()->executor_;
    std::vector<std::move_only_function<void()>> batch;
    std::vector<Resumption*> others;
    batch.reserve(rest.size());
    for (Resumption* one : rest) {
      if (one->executor_ == executor) {
        batch.push_back(std::move(one->resume_));
      } else {
        others.push_back(one);
      }
    }
    boost::asio::post(executor, [batch = std::move(batch)]() mutable {
      for (auto& resume : batch) resume();
    });
    rest = std::move(others);
  }
}

}  // namespace tps::lanes
