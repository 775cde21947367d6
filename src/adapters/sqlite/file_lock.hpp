// The lock that gives a database file to one process. It is on the file itself, so that another name of the same file
// (a symbolic link, a hard link, another mount) leads to the same lock. Any thread may take and release one.
#pragma once

#include <expected>
#include <string>

namespace tps::sqlite {

class FileLock {
 public:
  // Creates the file at `path` if it is missing. Refuses one that this or another process has locked, and one with
  // several hard links. The error is a sentence for operators.
  static std::expected<FileLock, std::string> take(const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

  // Without symbolic links: what SQLite names its -wal and -shm files by.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int file() const { return file_; }      // the database file
  [[nodiscard]] int beside() const { return beside_; }  // PATH.lock

 private:
  FileLock(std::string path, int file, int beside);

  const std::string path_;
  int file_;    // below 0: moved away
  int beside_;  // likewise
};

// PATH-wal and PATH-shm belong to a name, so a file with two names would have two logs. The sentence that refuses such
// a file; empty: it has one name, or none. `path` may be any name of it.
std::string hard_link_refusal(const std::string& path);

}  // namespace tps::sqlite
