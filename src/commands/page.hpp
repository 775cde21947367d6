// A command as help, completion and man pages show it.
#pragma once

#include <string>
#include <vector>

namespace tps {

struct OptionLine {
  std::string name;          // "--listen"; of an argument, "FILE"
  std::string value{};       // "URL"; empty: a flag
  std::string meaning{};     // begins with a small letter, ends without a full stop
  std::string fallback{};    // with its unit: "10000 ms"; empty: none
  std::string short_name{};  // "-p"
  std::string opposite{};    // "--no-worker"
  std::vector<std::string> choices{};
  bool is_file = false;   // the value, or may be
  bool advanced = false;  // of --help-all
  bool required = false;
};

struct OptionGroup {
  std::string title;
  std::vector<OptionLine> options;
};

struct Example {
  std::string command;
  std::string comment{};
};

struct Page {
  std::string name{};     // "tps keys create"
  std::string summary{};  // one sentence, in the imperative
  std::vector<Example> examples{};
  std::vector<std::string> notes{};  // paragraphs
  std::string exit_codes{};          // "0 success, 1 failure"
  std::vector<OptionLine> arguments{};
  std::vector<OptionGroup> groups{};
  std::vector<Page> commands{};

  // The last word of the name.
  [[nodiscard]] std::string word() const { return name.substr(name.rfind(' ') + 1); }
};

// "tps import [OPTIONS] FILE"
std::string usage_of(const Page& page);

// "-p, --port N", "--worker, --no-worker"
std::string spelling_of(const OptionLine& option);

// The meaning, with the choices and the default in brackets behind it.
std::string description_of(const OptionLine& option);

}  // namespace tps
