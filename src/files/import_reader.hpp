// An import file as instructions: one for each line of NDJSON or row of CSV, or what is wrong with it.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/currency.hpp"
#include "domain/error.hpp"
#include "domain/transaction.hpp"
#include "files/csv_reader.hpp"
#include "files/line_reader.hpp"
#include "service/submission.hpp"
#include "wire/json_reader.hpp"

namespace tps::files {

enum class FileFormat : std::uint8_t { ndjson, csv };

std::optional<FileFormat> parse_file_format(std::string_view text);

// By the end of the name: .ndjson, .jsonl, .csv.
std::optional<FileFormat> format_of_name(std::string_view path);

// Why a line is not imported. The code is one of domain::ErrorCode, or malformed_csv, or line_too_long.
struct Flaw {
  std::string_view code;
  std::string detail;
  std::vector<domain::FieldError> fields{};
  std::optional<std::int64_t> existing_id{};
};

struct ImportItem {
  std::uint64_t line = 0;  // where it starts
  std::string_view text;   // as it is in the file; until the next call
  std::expected<service::Instruction, Flaw> instruction;
};

class ImportReader {
 public:
  struct Options {
    FileFormat format = FileFormat::ndjson;
    std::string name{};        // of the import; with the line number, the key of each line
    std::string key_column{};  // not empty: where each line's own key is instead
    bool from_export = false;  // pass over what only the server sets
  };

  // `currencies` must outlive this object; `file` and `stop` as in LineReader.
  ImportReader(int file, Options options, const domain::Currencies& currencies, std::function<bool()> stop);

  // Reads the header of CSV. The error is a sentence.
  std::expected<void, std::string> start();

  // Blank lines are passed over. nullopt at the end. The error is about the file as a whole.
  std::expected<std::optional<ImportItem>, std::string> next();

  // Bytes of the file that were read so far.
  [[nodiscard]] std::uint64_t bytes() const { return lines_.bytes(); }

 private:
  using Instruction = std::expected<service::Instruction, Flaw>;
  // The lines of a row, joined in row_, and its number; nullopt at the end.
  std::expected<std::optional<Line>, std::string> next_row(std::optional<Flaw>& flaw);
  Instruction decode_row(std::uint64_t line);
  [[nodiscard]] Instruction decode_line(std::uint64_t line, std::string_view text) const;
  [[nodiscard]] Instruction to_instruction(std::uint64_t line, wire::DecodeResult decoded) const;
  [[nodiscard]] std::expected<service::IdempotencyKey, domain::FieldError> key_of(std::uint64_t line,
                                                                                  const domain::Draft& draft) const;

  const Options options_;
  const domain::Currencies& currencies_;
  LineReader lines_;
  CsvRows rows_;
  CsvColumns columns_;
  std::string row_;
  std::string json_;
};

// The key of a line of an import. No client's key can be the same: there is a line feed in it.
std::string import_key(std::string_view name, std::uint64_t line);

}  // namespace tps::files
