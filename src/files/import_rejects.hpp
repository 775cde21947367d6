// The lines that an import did not take, each with the reason: one JSON object a line,
// {"line","code","detail","errors"?,"existing_id"?,"text"}. Made only when there is one.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "files/import_reader.hpp"

namespace tps::files {

// Bytes of `text` that are not UTF-8 become U+FFFD.
std::string reject_json(std::uint64_t line, const Flaw& flaw, std::string_view text);

class RejectFile {
 public:
  // A path that no user has chosen is not followed if it is a symbolic link: another user may have put it there.
  RejectFile(std::string path, bool is_chosen) : path_(std::move(path)), is_chosen_(is_chosen) {}
  RejectFile(const RejectFile&) = delete;
  RejectFile& operator=(const RejectFile&) = delete;
  ~RejectFile();

  // A file that is there already is replaced with the first line. The error is a sentence.
  std::expected<void, std::string> write(std::string_view json);
  std::expected<void, std::string> close();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] std::unexpected<std::string> fault() const;

  const std::string path_;
  const bool is_chosen_;
  int file_ = -1;
};

}  // namespace tps::files
