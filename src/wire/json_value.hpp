// The tasks that simdjson leaves to its users: padded input, and the check of values that are skipped. Its on-demand
// reader checks only the parts that are read, so each function below reads one value whole and returns false if it is
// not JSON.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <memory>
#include <string_view>

namespace tps::wire {

// The parser and a copy of the input with the padding that simdjson reads into; one per thread, used again and again.
class JsonWorkspace {
 public:
  static JsonWorkspace& of_this_thread();

  // The copy of `text`; earlier copies and the views of earlier documents are gone.
  std::string_view load(std::string_view text);

  // `text` lies within what load() gave.
  simdjson::simdjson_result<simdjson::ondemand::document> iterate(std::string_view text);

 private:
  std::size_t capacity_ = 0;
  std::unique_ptr<char[]> buffer_;
  simdjson::ondemand::parser parser_;
};

// True for text with an encoded surrogate, which simdjson lets through in places; it is not UTF-8.
bool has_surrogates(std::string_view text);

// RFC 8259 section 6, the whole text.
bool is_json_number(std::string_view text);

// The text of a number or literal.
std::string_view token_of(simdjson::ondemand::value& value);

bool read_string(simdjson::ondemand::value& value, std::string_view& text);
bool read_name(simdjson::simdjson_result<simdjson::ondemand::field>& member, std::string_view& name);

// Consumes a value of any kind; `depth` is that of its parent, and there is a limit.
bool skip_value(simdjson::ondemand::value& value, int depth);

// Is there nothing after the value that was read?
bool is_read_up(simdjson::ondemand::document& document);

}  // namespace tps::wire
