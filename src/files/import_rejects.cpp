#include "files/import_rejects.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "wire/json_writer.hpp"
#include "wire/problem.hpp"
#include "wire/utf8.hpp"

namespace tps::files {
namespace {

std::string mended(std::string_view text) {
  std::string good;
  while (!text.empty()) {
    const std::size_t bytes = wire::utf8_character_bytes(text);
    good += bytes > 0 ? text.substr(0, bytes) : std::string_view("\xEF\xBF\xBD");
    text.remove_prefix(bytes > 0 ? bytes : 1);
  }
  return good;
}

}  // namespace

std::string reject_json(std::uint64_t line, const Flaw& flaw, std::string_view text) {
  std::string out = R"({"line":)";
  wire::append_integer(out, static_cast<std::int64_t>(line));
  out += R"(,"code":")";
  out += flaw.code;
  out += R"(","detail":)";
  wire::append_string(out, flaw.detail);
  if (!flaw.fields.empty()) {
    out += R"(,"errors":)";
    wire::append_field_errors(out, flaw.fields);
  }
  if (flaw.existing_id) {
    out += R"(,"existing_id":)";
    wire::append_integer(out, *flaw.existing_id);
  }
  out += R"(,"text":)";
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (wire::is_utf8(text)) {
    wire::append_string(out, text);
  } else {
    wire::append_string(out, mended(text));
  }
  return out += "}\n";
}

std::unexpected<std::string> RejectFile::fault() const { return std::unexpected(path_ + ": " + std::strerror(errno)); }

RejectFile::~RejectFile() { static_cast<void>(close()); }

std::expected<void, std::string> RejectFile::write(std::string_view json) {
  if (file_ < 0) {
    const int follow = is_chosen_ ? 0 : O_NOFOLLOW;
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | follow, 0666);
    if (file_ < 0 && errno == ELOOP) {
      return std::unexpected(path_ + " is a symbolic link: choose a file with --rejects");
    }
  }
  while (file_ >= 0 && !json.empty()) {
    const ssize_t written = ::write(file_, json.data(), json.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fault();
    json.remove_prefix(static_cast<std::size_t>(written));
  }
  if (file_ < 0) return fault();
  return {};
}

std::expected<void, std::string> RejectFile::close() {
  if (file_ < 0) return {};
  if (::close(std::exchange(file_, -1)) != 0) return fault();
  return {};
}

}  // namespace tps::files
