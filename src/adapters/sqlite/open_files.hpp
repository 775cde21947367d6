// The files of an open database, as their names lead to them. A file that was removed, replaced or unmounted can still
// be written by the process that has it open, and all of that is lost when the process ends.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace tps::sqlite {

// Any thread.
class OpenFiles {
 public:
  // `name` is the operator's name of the database, `path` the same without symbolic links. To be made while the
  // database is open and its log exists: remembers which files these names lead to now.
  OpenFiles(const std::string& name, const std::string& path);

  // A sentence for operators about the first name that leads to no file or to another one; empty: there is none. Costs
  // some microseconds.
  [[nodiscard]] std::string missing() const;

 private:
  struct File {
    std::string name;
    dev_t device;
    ino_t inode;
  };
  std::vector<File> files_;
};

}  // namespace tps::sqlite
