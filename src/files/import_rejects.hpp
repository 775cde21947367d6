// The lines that an import did not take, each with the reason: one JSON object a line,
// {"line","code","detail","errors"?,"existing_id"?,"text"}. Made only when there is one.
#pragma once

#include <cstdint>
#include <expected>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "files/import_reader.hpp"

namespace tps::files {

// Bytes of `text` that are not UTF-8 become U+FFFD.
std::string reject_json(std::uint64_t line, const Flaw& flaw, std::string_view text);

class RejectFile {
 public:
  explicit RejectFile(std::string path) : path_(std::move(path)) {}

  // One that is there already is replaced with the first line. The error is a sentence.
  std::expected<void, std::string> write(std::string_view json);
  std::expected<void, std::string> close();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] std::unexpected<std::string> fault() const;

  const std::string path_;
  std::ofstream file_;
};

}  // namespace tps::files
