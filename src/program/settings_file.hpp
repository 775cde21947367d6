// The file given by --config: one NAME = VALUE per line, in a subset of TOML.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace tps {

struct FileEntry {
  std::string name;
  std::string value;
  int line = 0;
};

// `text` is the whole file. A value stands in double quotes (with the escapes \" \\ \n \t), in single quotes (without
// any), or bare, such as 12, true or 127.0.0.1:8000. A # begins a comment outside of quotes. Names are not looked at.
// The error says in which line.
std::expected<std::vector<FileEntry>, std::string> parse_settings_file(std::string_view text);

}  // namespace tps
