#include "files/csv_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "files/csv_reader.hpp"
#include "wire/csv_field.hpp"

namespace tps::files {
namespace {

TEST(CsvWriter, FieldsComeBackUnchanged) {
  const std::vector<std::string> fields{"plain", "",   "a,b",     "say \"hi\"", " spaces ",
                                        "=1+1",  "@x", "'quote'", "\xC3\xBC"};
  std::string line;
  for (const std::string& field : fields) {
    if (!line.empty()) line += ',';
    wire::append_csv_field(line, field);
  }
  CsvRows rows;
  ASSERT_EQ(rows.feed(line), CsvRows::Fed::row);
  EXPECT_EQ(rows.fields(), fields);
}

TEST(CsvWriter, RowsFitTheHeader) {
  domain::Transaction full;
  full.id = 7;
  full.user_id = "a,b";
  full.type = domain::Type::transfer;
  full.amount_minor = 1'250;
  full.currency = "USD";
  full.to_user_id = "c";
  full.parent_id = 5;
  full.capture = domain::Capture::manual;
  full.hold_expires_at = domain::Timestamp(std::chrono::seconds(60));
  full.overdraft_limit = 100;
  full.frozen = true;
  full.reference = "r";
  full.description = "d \"e\"";
  full.metadata = R"({"a":"b"})";
  full.status = domain::Status::failed;
  full.failure = domain::Failure::insufficient_funds;
  full.settled_at = domain::Timestamp(std::chrono::seconds(1));
  std::string row;
  append_csv_row(row, full, domain::Currencies());
  EXPECT_EQ(row,
            "7,\"a,b\",transfer,12.50,USD,failed,1970-01-01T00:00:00.000000Z,1970-01-01T00:00:01.000000Z,"
            "insufficient_funds,c,5,manual,1970-01-01T00:01:00.000000Z,1.00,true,r,\"d \"\"e\"\"\","
            "\"{\"\"a\"\":\"\"b\"\"}\"\r\n");
  domain::Transaction small;
  small.currency = "JPY";
  std::string short_row;
  append_csv_row(short_row, small, domain::Currencies());
  const auto columns = std::ranges::count(csv_header(), ',');
  EXPECT_EQ(std::ranges::count(short_row, ','), columns);
  EXPECT_EQ(std::ranges::count(row, ',') - 1, columns);
}

}  // namespace
}  // namespace tps::files
