// Notices that files have changed, such as a mounted Secret. It polls once a second: if a link in the middle of the
// path is replaced, no other method notices on every file system.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tps {

class FileWatch {
 public:
  FileWatch() = default;
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // Before start(). `changed` is called on the watch's thread when the file is another one than it is now.
  void add(const std::string& path, std::function<void()> changed);
  void start();

 private:
  struct Stamp {
    std::int64_t modified = 0;
    std::uint64_t size = 0;
    std::uint64_t inode = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct Watched {
    std::string path;
    std::function<void()> changed;
    Stamp stamp;
  };

  static Stamp stamp_of(const std::string& path);
  void run();

  std::vector<Watched> files_;  // the thread's, once started
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace tps
