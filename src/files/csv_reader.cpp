#include "files/csv_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>

#include "wire/ascii.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_value.hpp"
#include "wire/json_writer.hpp"

namespace tps::files {
namespace {

constexpr std::array<std::string_view, 3> kRequired{"user_id", "amount", "currency"};
// Columns of an export whose rows cannot be imported, but which stand in its header.
constexpr std::array<std::string_view, 2> kOnlyInExports{"overdraft_limit", "frozen"};
constexpr std::string_view kMetadata = "metadata";

int is_never(unsigned char) { return 0; }

// "1.23457E+11", which spreadsheets write for a number that is too wide. The digits that it lacks are not zeros.
bool is_scientific(std::string_view field) {
  return field.find_first_of("eE") != std::string_view::npos && wire::is_json_number(wire::trim(field));
}

// The words for a header that a spreadsheet wrote with another separator; empty: it did not.
std::string other_dialect(const std::vector<std::string>& names) {
  if (names.empty()) return "";
  const std::string& first = names.front();
  if (first.starts_with("sep=")) return fmt::format("is \"{}\": remove that line", first);
  if (names.size() == 1 && first.contains(';')) return "separates them by \";\", not by commas";
  if (names.size() == 1 && first.contains('\t')) return "separates them by a tab, not by commas";
  return "";
}

bool is_within_metadata(std::string_view name) {
  return name.starts_with(kMetadataPrefix) && name.size() > kMetadataPrefix.size();
}

}  // namespace

bool is_key_member(std::string_view name) {
  return name == kKeyMember || name == "reference" || is_within_metadata(name);
}

CsvRows::~CsvRows() { csv_free(&parser_); }

void CsvRows::reset() {
  csv_free(&parser_);
  csv_init(&parser_, CSV_STRICT);
  csv_set_space_func(&parser_, is_never);
  between_rows_ = true;
}

CsvRows::Fed CsvRows::feed(std::string_view line) {
  if (between_rows_) fields_.clear();
  rows_ = 0;
  const auto add_field = [](void* text, std::size_t size, void* self) {
    static_cast<CsvRows*>(self)->fields_.emplace_back(static_cast<const char*>(text), size);
  };
  const auto end_row = [](int, void* self) { ++static_cast<CsvRows*>(self)->rows_; };
  const auto parse = [&](std::string_view piece) {
    return csv_parse(&parser_, piece.data(), piece.size(), add_field, end_row, this) == piece.size();
  };
  const bool good = parse(line) && parse("\n");
  if (!good && csv_error(&parser_) == CSV_ENOMEM) throw std::bad_alloc();
  if (good && rows_ == 0) {
    between_rows_ = false;
    return Fed::more;
  }
  if (good && rows_ == 1) {
    between_rows_ = true;
    return Fed::row;
  }
  // A carriage return ends a row too: two rows on one line cannot be told apart by line number.
  reset();
  return Fed::malformed;
}

std::expected<void, std::string> CsvColumns::add(const std::string& name, const std::string& key_column,
                                                 bool from_export) {
  if (name.empty()) return std::unexpected("has a column without a name: is there a comma too many?");
  if (is_within_metadata(name)) {
    members_.emplace_back();
    metadata_.push_back(name.substr(kMetadataPrefix.size()));
    return {};
  }
  metadata_.emplace_back();
  const auto flaw = wire::flaw_of_member(name);
  const bool is_key = !name.empty() && name == key_column;
  if (flaw && is_key) {
    members_.emplace_back(kKeyMember);
    return {};
  }
  const bool read_only = flaw == domain::FieldRule::read_only;
  if (flaw && from_export && (read_only || std::ranges::find(kOnlyInExports, name) != kOnlyInExports.end())) {
    members_.emplace_back();
    return {};
  }
  if (read_only) {
    return std::unexpected(fmt::format("\"{}\" is set by the server (--from-export passes over it)", name));
  }
  if (flaw) return std::unexpected(fmt::format("\"{}\" is not a member of a transaction", name));
  if (is_key && !is_key_member(name)) return std::unexpected(fmt::format("\"{}\" cannot be a key", name));
  if (name == kKeyMember && !is_key) return std::unexpected("idempotency_key needs --key-column idempotency_key");
  members_.push_back(name);
  return {};
}

std::expected<CsvColumns, std::string> CsvColumns::parse(const std::vector<std::string>& names,
                                                         const std::string& key_column, bool from_export) {
  static constexpr std::string_view kWhatItIs = "the first line must name the columns";
  if (const std::string flaw = other_dialect(names); !flaw.empty())
    return std::unexpected(fmt::format("{}, and {}", kWhatItIs, flaw));
  CsvColumns columns;
  std::vector<std::string> seen;
  const auto has = [&seen](std::string_view name) { return std::ranges::find(seen, name) != seen.end(); };
  for (const std::string& written : names) {
    const std::string name(wire::trim(written));
    if (has(name)) return std::unexpected(fmt::format("{}, and has \"{}\" twice", kWhatItIs, name));
    seen.push_back(name);
    if (auto added = columns.add(name, key_column, from_export); !added) {
      return std::unexpected(fmt::format("{}, and {}", kWhatItIs, added.error()));
    }
  }
  for (const std::string_view name : kRequired) {
    if (!has(name)) return std::unexpected(fmt::format("{}, and has no \"{}\"", kWhatItIs, name));
  }
  if (!key_column.empty() && !has(key_column)) {
    return std::unexpected(fmt::format("--key-column: {}, and has no \"{}\"", kWhatItIs, key_column));
  }
  if (has(kMetadata) && std::ranges::any_of(columns.metadata_, [](const auto& name) { return !name.empty(); })) {
    return std::unexpected(fmt::format("{}, and has both metadata and metadata.NAME", kWhatItIs));
  }
  return columns;
}

std::expected<void, std::string> CsvColumns::append_json(std::string& out,
                                                         const std::vector<std::string>& fields) const {
  if (fields.size() != members_.size()) {
    return std::unexpected(fmt::format("has {} fields where the header has {}", fields.size(), members_.size()));
  }
  std::string metadata = "{";
  out += '{';
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& field = fields[i];
    if (field.empty()) continue;
    if (!metadata_[i].empty()) {
      wire::append_member(metadata, metadata_[i], field);
      continue;
    }
    if (members_[i].empty()) continue;
    if (members_[i] == "amount" && is_scientific(field)) {
      return std::unexpected(
          fmt::format("the amount {} is in scientific notation: a spreadsheet has dropped its last digits; format the "
                      "column as text",
                      field));
    }
    wire::append_member_name(out, members_[i]);
    if (members_[i] == kMetadata) {
      // The object is to be one line.
      if (field.contains('\n') || !wire::is_metadata(field)) {
        return std::unexpected("the field metadata must be a JSON object of strings");
      }
      out += field;
    } else if (members_[i] == "hold_expires_in" && wire::is_json_number(field)) {
      out += field;
    } else {
      wire::append_string(out, field);
    }
  }
  if (metadata.size() > 1) {
    wire::append_member_name(out, kMetadata);
    out += metadata;
    out += '}';
  }
  out += '}';
  return {};
}

}  // namespace tps::files
