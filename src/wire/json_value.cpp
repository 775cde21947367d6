#include "wire/json_value.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "wire/ascii.hpp"

namespace tps::wire {

using simdjson::ondemand::json_type;
using simdjson::ondemand::value;

namespace {

constexpr int kMaxDepth = 32;
constexpr std::size_t kKeptBytes = 1U << 20;  // larger buffers are given back
constexpr std::size_t kLeastBytes = 4096;

bool skip_object(value& v, int depth) {
  simdjson::ondemand::object members;
  if (v.get_object().get(members) != simdjson::SUCCESS) return false;
  for (auto member : members) {
    std::string_view name;
    value inner;
    if (!read_name(member, name)) return false;
    if (member.value().get(inner) != simdjson::SUCCESS || !skip_value(inner, depth)) return false;
  }
  return true;
}

bool skip_array(value& v, int depth) {
  simdjson::ondemand::array elements;
  if (v.get_array().get(elements) != simdjson::SUCCESS) return false;
  for (auto element : elements) {
    value inner;
    if (element.get(inner) != simdjson::SUCCESS || !skip_value(inner, depth)) return false;
  }
  return true;
}

}  // namespace

JsonWorkspace& JsonWorkspace::of_this_thread() {
  thread_local JsonWorkspace instance;
  return instance;
}

std::string_view JsonWorkspace::load(std::string_view text) {
  const std::size_t needed = text.size() + simdjson::SIMDJSON_PADDING;
  if (needed > capacity_ || (capacity_ > kKeptBytes && needed <= kKeptBytes)) {
    capacity_ = std::max(needed + needed / 4, kLeastBytes);
    buffer_ = std::make_unique_for_overwrite<char[]>(capacity_);
    parser_ = simdjson::ondemand::parser();
    // Sized like the buffer, once: growing to each slightly longer body in turn would allocate for every one.
    if (parser_.allocate(capacity_) != simdjson::SUCCESS) throw std::bad_alloc();
  }
  std::ranges::copy(text, buffer_.get());
  std::memset(buffer_.get() + text.size(), ' ', simdjson::SIMDJSON_PADDING);
  return {buffer_.get(), text.size()};
}

simdjson::simdjson_result<simdjson::ondemand::document> JsonWorkspace::iterate(std::string_view text) {
  const auto room = capacity_ - static_cast<std::size_t>(text.data() - buffer_.get());
  return parser_.iterate(simdjson::padded_string_view(text.data(), text.size(), room));
}

bool has_surrogates(std::string_view text) {
  for (std::size_t at = text.find('\xED'); at != std::string_view::npos; at = text.find('\xED', at + 1)) {
    if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xA0) return true;
  }
  return false;
}

bool is_json_number(std::string_view text) {
  const auto skip_digits = [&] {
    const std::size_t before = text.size();
    while (!text.empty() && is_digit(text.front())) text.remove_prefix(1);
    return before - text.size();
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool leading_zero = text.starts_with('0');
  const std::size_t digits = skip_digits();
  if (digits == 0 || (leading_zero && digits > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (skip_digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (skip_digits() == 0) return false;
  }
  return text.empty();
}

std::string_view token_of(value& v) {
  std::string_view token = v.raw_json_token();
  while (!token.empty() && std::string_view(" \t\r\n").find(token.back()) != std::string_view::npos) {
    token.remove_suffix(1);
  }
  return token;
}

bool read_string(value& v, std::string_view& text) {
  return v.get_string().get(text) == simdjson::SUCCESS && !has_surrogates(text);
}

bool read_name(simdjson::simdjson_result<simdjson::ondemand::field>& member, std::string_view& name) {
  return member.unescaped_key().get(name) == simdjson::SUCCESS && !has_surrogates(name);
}

bool skip_value(value& v, int depth) {
  json_type type{};
  if (++depth > kMaxDepth || v.type().get(type) != simdjson::SUCCESS) return false;
  std::string_view text;
  switch (type) {
    case json_type::object:
      return skip_object(v, depth);
    case json_type::array:
      return skip_array(v, depth);
    case json_type::string:
      return read_string(v, text);
    case json_type::number:
      return is_json_number(token_of(v));
    case json_type::boolean:
      text = token_of(v);
      return text == "true" || text == "false";
    case json_type::null:
      return token_of(v) == "null";
  }
  return false;
}

bool is_read_up(simdjson::ondemand::document& document) {
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

}  // namespace tps::wire
