// Every text that the decoder accepts is JSON for a reader that checks everything; the item is the same alone, in a
// batch and on a line; and a valid one is written as JSON again.
#include <simdjson.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"

extern const std::span<const std::string_view> fuzz_seeds;

namespace {

namespace domain = tps::domain;
namespace wire = tps::wire;

constexpr std::size_t kMaxItems = 100;

constexpr std::array<std::string_view, 16> kSeeds{
    R"({"user_id":"user_11","amount":12.75,"currency":"USD"})",
    R"({"user_id":"u","type":"transfer","to_user_id":"v","amount":"1e2","currency":"jpy","reference":"r","description":"d"})",
    R"({"user_id":"u","amount":1,"currency":"USD","metadata":{"a":"b","c\u00e9":"\ud83d\ude00"}})",
    R"({"user_id":null,"amount":[1,{"a":null}],"currency":true,"x":{"y":[[]]}})",
    R"({"user_id":"\ud800","amount":1,"currency":"USD"})",
    R"({"user_id":"a","user_id":"b","amount":NaN,"currency":"USD"})",
    R"({"amount":01,"currency":"USD"} )",
    R"({"amount":1.,"hold_expires_in":5,"capture":"manual"})",
    R"({"idempotency_key":"k","status":"settled","id":1})",
    R"({"transactions":[{"user_id":"u","amount":1,"currency":"USD"},{},7,"x",null]})",
    R"({"overdraft_limit":100.00,"frozen":false})",
    R"({"frozen":null,"overdraft_limit":"1e2","posted":5})",
    R"([{"a":1}])",
    "\xEF\xBB\xBF{}",
    "{\"user_id\":\"u\",\"amount\":1,\"currency\":\"USD\"}\n\n{\"amount\":}\r\n{}",
    R"([[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]])"};

void expect(bool holds) {
  if (!holds) std::abort();
}

// Numbers beyond a double are JSON too, but not for this reader.
bool is_json(std::string_view text) {
  static simdjson::dom::parser parser;
  const auto error = parser.parse(text.data(), text.size()).error();
  return error == simdjson::SUCCESS || error == simdjson::NUMBER_ERROR;
}

// A decoded item that outlives the views.
struct Item {
  bool accepted = false;
  std::array<std::optional<std::string>, 9> members;
  std::size_t pairs = 0;
  bool operator==(const Item&) const = default;
};

Item item_of(const wire::DecodeResult& result) {
  Item item;
  item.accepted = result.has_value();
  if (!result) return item;
  const domain::Draft& draft = result->draft;
  const std::array members{draft.user_id, draft.amount,          draft.currency,  draft.type,       draft.to_user_id,
                           draft.capture, draft.hold_expires_in, draft.reference, draft.description};
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i]) item.members[i] = std::string(*members[i]);
  }
  item.pairs = draft.metadata ? draft.metadata->size() : 0;
  return item;
}

void check_round_trip(const wire::Decoded& decoded) {
  static const domain::Currencies kCurrencies;
  const auto transaction = domain::validate(decoded.draft, kCurrencies, decoded.errors);
  if (!transaction) {
    expect(!transaction.error().empty());
    return;
  }
  expect(decoded.errors.empty() && transaction->amount_minor > 0);
  std::string text;
  wire::append_transaction(text, *transaction, kCurrencies);
  expect(is_json(text));
  static simdjson::dom::parser parser;
  std::string_view user_id;
  expect(parser.parse(text)["user_id"].get(user_id) == simdjson::SUCCESS && user_id == transaction->user_id);
}

void check_account(const std::string& body) {
  const auto account = wire::decode_account(body);
  if (!account) return;
  expect(is_json(body));
  const domain::Currency currency{.code = "USD", .exponent = 2};
  const auto update = domain::validate_account_update("u", currency, account->draft, account->errors);
  expect(update ? account->errors.empty() && (update->overdraft_limit || update->frozen) : !update.error().empty());
}

}  // namespace

const std::span<const std::string_view> fuzz_seeds(kSeeds);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  const auto single = wire::decode_transaction(body);
  const Item alone = item_of(single);
  if (single) {
    expect(is_json(body));
    check_round_trip(*single);
  }

  std::vector<Item> items;
  const auto keep = [&](const wire::DecodeResult& result) { items.push_back(item_of(result)); };
  const bool lines = wire::decode_lines(body, kMaxItems, keep).has_value();
  if (lines && items.size() == 1 && body.find('\n') == std::string::npos) expect(items[0] == alone);

  items.clear();
  if (wire::decode_batch(body, kMaxItems, keep)) expect(is_json(body) && !items.empty());
  check_account(body);
  if (alone.accepted) {
    items.clear();
    expect(wire::decode_batch("{\"transactions\":[" + body + "]}", kMaxItems, keep).has_value());
    expect(items.size() == 1 && items[0] == alone);
  }
  return 0;
}
