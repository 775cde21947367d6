#include "program/file_watch.hpp"

#include <sys/stat.h>

#include <chrono>
#include <utility>

namespace tps {

constexpr std::chrono::seconds kInterval{1};

FileWatch::~FileWatch() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void FileWatch::add(const std::string& path, std::function<void()> changed) {
  files_.push_back({path, std::move(changed), stamp_of(path)});
}

void FileWatch::start() {
  if (!files_.empty()) thread_ = std::thread([this] { run(); });
}

FileWatch::Stamp FileWatch::stamp_of(const std::string& path) {
  struct stat found{};
  if (stat(path.c_str(), &found) != 0) return {};
  return {.modified = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec,
          .size = static_cast<std::uint64_t>(found.st_size),
          .inode = found.st_ino};
}

void FileWatch::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, kInterval, [this] { return stopping_; })) {
    lock.unlock();
    for (Watched& file : files_) {
      const Stamp stamp = stamp_of(file.path);
      if (stamp == file.stamp) continue;
      file.stamp = stamp;
      file.changed();
    }
    lock.lock();
  }
}

}  // namespace tps
