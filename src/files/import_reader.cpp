#include "files/import_reader.hpp"

#include <algorithm>
#include <utility>

#include "domain/member_rules.hpp"
#include "wire/problem.hpp"

namespace tps::files {
namespace {

using domain::ErrorCode;
using domain::FieldRule;

constexpr std::string_view kMalformedCsv = "malformed_csv";

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r") == std::string_view::npos; }

Flaw too_long() {
  return {"line_too_long", "is longer than " + std::to_string(kMaxLineBytes) + " bytes; the text is its beginning"};
}

std::unexpected<Flaw> malformed_csv(std::string detail) {
  return std::unexpected(Flaw{kMalformedCsv, std::move(detail)});
}

Flaw flaw_of_line(domain::Error error) {
  std::string detail = wire::detail_of(error);
  static constexpr std::string_view kBody = "The body";
  if (detail.starts_with(kBody)) detail.replace(0, kBody.size(), "The line");
  return {slug(error.code), std::move(detail), std::move(error.fields)};
}

Flaw invalid(std::vector<domain::FieldError> errors) {
  return flaw_of_line({ErrorCode::validation_failed, {}, std::move(errors)});
}

std::optional<std::string_view> key_text(const domain::Draft& draft, std::string_view key_column) {
  if (key_column == "reference") return draft.reference;
  if (!key_column.starts_with(kMetadataPrefix)) return draft.idempotency_key;
  if (!draft.metadata) return std::nullopt;
  const auto name = key_column.substr(kMetadataPrefix.size());
  const auto found = std::ranges::find(*draft.metadata, name, &std::pair<std::string_view, std::string_view>::first);
  return found == draft.metadata->end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::optional<FileFormat> parse_file_format(std::string_view text) {
  if (text == "ndjson") return FileFormat::ndjson;
  if (text == "csv") return FileFormat::csv;
  return std::nullopt;
}

std::optional<FileFormat> format_of_name(std::string_view path) {
  if (path.ends_with(".ndjson") || path.ends_with(".jsonl")) return FileFormat::ndjson;
  if (path.ends_with(".csv")) return FileFormat::csv;
  return std::nullopt;
}

std::string import_key(std::string_view name, std::uint64_t line) {
  return std::string(name) + '\n' + std::to_string(line);
}

ImportReader::ImportReader(int file, Options options, const domain::Currencies& currencies, std::function<bool()> stop)
    : options_(std::move(options)), currencies_(currencies), lines_(file, std::move(stop)) {}

std::expected<void, std::string> ImportReader::start() {
  const std::string& key = options_.key_column;
  if (options_.format == FileFormat::ndjson) {
    if (key.empty() || is_key_member(key)) return {};
    return std::unexpected("--key-column: must be idempotency_key, reference or metadata.NAME");
  }
  std::optional<Flaw> flaw;
  const auto header = next_row(flaw);
  if (!header) return std::unexpected(header.error());
  if (!*header) return {};  // an empty file has no lines to import
  if (flaw) return std::unexpected("the first line must name the columns, and it " + flaw->detail);
  auto columns = CsvColumns::parse(rows_.fields(), key, options_.from_export);
  if (!columns) return std::unexpected(columns.error());
  columns_ = std::move(*columns);
  return {};
}

std::expected<std::optional<ImportItem>, std::string> ImportReader::next() {
  if (options_.format == FileFormat::csv) {
    std::optional<Flaw> flaw;
    const auto row = next_row(flaw);
    if (!row) return std::unexpected(row.error());
    if (!*row) return std::nullopt;
    const auto number = (*row)->number;
    return ImportItem{number, row_, flaw ? std::unexpected(std::move(*flaw)) : decode_row(number)};
  }
  while (true) {
    const auto line = lines_.next();
    if (!line) return std::unexpected(line.error());
    if (!*line) return std::nullopt;
    if ((*line)->too_long) return ImportItem{(*line)->number, (*line)->text, std::unexpected(too_long())};
    if (is_blank((*line)->text)) continue;
    return ImportItem{(*line)->number, (*line)->text, decode_line((*line)->number, (*line)->text)};
  }
}

std::expected<std::optional<Line>, std::string> ImportReader::next_row(std::optional<Flaw>& flaw) {
  row_.clear();
  std::optional<Line> first;
  while (true) {
    const auto line = lines_.next();
    if (!line) return std::unexpected(line.error());
    if (!*line) {
      if (first) flaw = Flaw{kMalformedCsv, "has a quote that is not closed"};
      rows_.reset();
      return first;
    }
    if (!first && is_blank((*line)->text)) continue;
    if (first) row_ += '\n';
    if (!first) first = Line{.number = (*line)->number, .text = {}};
    row_ += (*line)->text;
    if ((*line)->too_long || row_.size() > kMaxLineBytes) {
      flaw = too_long();
      rows_.reset();
      row_.resize(std::min<std::size_t>(row_.size(), 1'000));
      return first;
    }
    const auto fed = rows_.feed((*line)->text);
    if (fed == CsvRows::Fed::more) continue;
    if (fed == CsvRows::Fed::malformed) flaw = Flaw{kMalformedCsv, "has a quote or a carriage return in a wrong place"};
    return first;
  }
}

ImportReader::Instruction ImportReader::decode_row(std::uint64_t line) {
  json_.clear();
  if (auto written = columns_.append_json(json_, rows_.fields()); !written) return malformed_csv(written.error());
  auto instruction = decode_line(line, json_);
  // The line was written here as JSON, so only the text of a cell can be malformed.
  if (!instruction && instruction.error().code == slug(ErrorCode::malformed_json)) {
    return malformed_csv("is not valid UTF-8");
  }
  return instruction;
}

ImportReader::Instruction ImportReader::decode_line(std::uint64_t line, std::string_view text) const {
  Instruction instruction;
  const auto decoded = wire::decode_lines(
      text, 1, [&](wire::DecodeResult item) { instruction = to_instruction(line, std::move(item)); });
  if (!decoded) return std::unexpected(flaw_of_line(decoded.error()));
  return instruction;
}

ImportReader::Instruction ImportReader::to_instruction(std::uint64_t line, wire::DecodeResult decoded) const {
  if (!decoded) return std::unexpected(flaw_of_line(std::move(decoded.error())));
  const domain::Draft& draft = decoded->draft;
  std::vector<domain::FieldError>& errors = decoded->errors;
  if (options_.from_export) {
    std::erase_if(errors, [](const domain::FieldError& error) { return error.rule == FieldRule::read_only; });
    if (draft.capture == "manual") {
      errors.push_back(
          {"/capture", FieldRule::not_supported, "an export does not contain the remaining amount of a hold"});
    }
  }
  auto key = key_of(line, draft);
  if (!key) errors.push_back(std::move(key.error()));
  auto transaction = domain::validate(draft, currencies_, std::move(errors));
  if (!transaction) return std::unexpected(invalid(std::move(transaction.error())));
  return service::Instruction{std::move(*transaction), std::move(*key)};
}

std::expected<service::IdempotencyKey, domain::FieldError> ImportReader::key_of(std::uint64_t line,
                                                                                const domain::Draft& draft) const {
  const std::string& column = options_.key_column;
  if (draft.idempotency_key && (column.empty() || (column != kKeyMember && is_key_member(column)))) {
    return std::unexpected(
        domain::FieldError{"/idempotency_key", FieldRule::not_allowed, "needs --key-column idempotency_key"});
  }
  if (column.empty()) return service::IdempotencyKey{import_key(options_.name, line), std::nullopt};
  const auto text = key_text(draft, column);
  const std::string pointer = column.starts_with(kMetadataPrefix)
                                  ? domain::json_pointer("/metadata/", column.substr(kMetadataPrefix.size()))
                                  : domain::json_pointer("/", column);
  if (!text) return std::unexpected(domain::FieldError{pointer, FieldRule::required, "is the key, and required"});
  if (!domain::is_idempotency_key(*text)) {
    return std::unexpected(domain::FieldError{pointer, FieldRule::invalid_characters,
                                              "is the key, and must be 1 to 255 visible ASCII characters"});
  }
  return service::IdempotencyKey{std::string(*text), std::nullopt};
}

}  // namespace tps::files
