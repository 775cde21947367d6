// CSV (RFC 4180, comma and double quotes) of transactions: rows from lines, and each row as the JSON object that it
// stands for, so that there is one decoder and one set of rules.
#pragma once

#include <csv.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace tps::files {

inline constexpr std::string_view kKeyMember = "idempotency_key";
inline constexpr std::string_view kMetadataPrefix = "metadata.";  // of the name of a member within metadata

// Members whose text may be a key: idempotency_key, reference and metadata.NAME. In CSV, also columns that are no
// members.
bool is_key_member(std::string_view name);

// Puts rows together. A quoted field may contain line feeds, so a row can take several lines. White space belongs to
// the fields.
class CsvRows {
 public:
  enum class Fed : std::uint8_t { more, row, malformed };

  CsvRows() { reset(); }
  CsvRows(const CsvRows&) = delete;
  CsvRows& operator=(const CsvRows&) = delete;
  ~CsvRows();

  // The next line, without its line feed. After anything but `more`, the one after that starts a new row.
  Fed feed(std::string_view line);

  // Of the last row, until the next feed().
  [[nodiscard]] const std::vector<std::string>& fields() const { return fields_; }

  // Forgets the lines of a row that is not complete.
  void reset();

 private:
  csv_parser parser_{};
  std::vector<std::string> fields_;
  int rows_ = 0;
  bool between_rows_ = true;
};

// The meaning of each column, from the header line.
class CsvColumns {
 public:
  // The names of members, "metadata.NAME" for one member of metadata, and the column `key_column`, whatever its name
  // (empty: there is none). `from_export`: what only the server sets may be there too. The error is a sentence.
  static std::expected<CsvColumns, std::string> parse(const std::vector<std::string>& names,
                                                      const std::string& key_column, bool from_export);

  // Appends the row as a JSON object; an empty field is an absent member. The error is a sentence.
  std::expected<void, std::string> append_json(std::string& out, const std::vector<std::string>& fields) const;

 private:
  std::expected<void, std::string> add(const std::string& name, const std::string& key_column, bool from_export);

  std::vector<std::string> members_;   // per column; empty for a member of metadata
  std::vector<std::string> metadata_;  // per column, its name within metadata
};

}  // namespace tps::files
