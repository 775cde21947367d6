#include <gtest/gtest.h>

#include <string>

#include "domain/test_book.hpp"
#include "domain/transaction.hpp"

namespace tps::domain {
namespace {

const Currencies kCurrencies;

// "/amount not_positive, ..." or nothing.
std::string faults_of(const Validated& result) {
  std::string text;
  if (result) return text;
  for (const FieldError& error : result.error()) {
    if (!text.empty()) text += ", ";
    text += error.pointer + ' ' + std::string(slug(error.rule));
  }
  return text;
}

Transaction parent_of_all() {
  Transaction parent = test::hold_for_b(500);
  parent.id = 7;
  parent.to_partition = 3;
  parent.reference = "parent's";
  parent.status = Status::authorized;
  return parent;
}

TEST(ChildValidation, WhatCanBeAParent) {
  struct Case {
    std::string name;
    Transaction parent;
    bool has_hold;
    bool reversible;
  };
  const Case cases[] = {
      {"hold", test::hold(5), true, false},
      {"hold of a transfer", test::hold_for_b(5), true, false},
      {"deposit", test::deposit(5), false, true},
      {"withdrawal", test::withdrawal(5), false, true},
      {"transfer", test::transfer(5), false, true},
      {"capture", test::capture(1, 5), false, true},
      {"void", test::void_of(1), false, false},
      {"expiry", test::expiry(1), false, false},
      {"reversal", test::reversal(1, 5), false, false},
      {"account update", test::limit(5), false, false},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(is_possible_parent(Type::capture, one.parent), one.has_hold) << one.name;
    EXPECT_EQ(is_possible_parent(Type::void_, one.parent), one.has_hold) << one.name;
    EXPECT_EQ(is_possible_parent(Type::reversal, one.parent), one.reversible) << one.name;
  }
}

TEST(ChildValidation, NamesTheMemberAndTheRule) {
  struct Case {
    std::string name;
    Type type;
    void (*spoil)(Draft&);
    std::string faults;
  };
  const Case cases[] = {
      {"user", Type::capture, [](Draft& d) { d.user_id = "a"; }, "/user_id not_allowed"},
      {"currency", Type::capture, [](Draft& d) { d.currency = "USD"; }, "/currency not_allowed"},
      {"type", Type::capture, [](Draft& d) { d.type = "capture"; }, "/type not_allowed"},
      {"receiver", Type::reversal, [](Draft& d) { d.to_user_id = "b"; }, "/to_user_id not_allowed"},
      {"capture", Type::capture, [](Draft& d) { d.capture = "manual"; }, "/capture not_allowed"},
      {"expiry", Type::capture, [](Draft& d) { d.hold_expires_in = "5"; }, "/hold_expires_in not_allowed"},
      {"part of a void", Type::void_, [](Draft& d) { d.amount = "1.00"; }, "/amount not_allowed"},
      {"no number", Type::capture, [](Draft& d) { d.amount = "x"; }, "/amount not_a_number"},
      {"zero", Type::reversal, [](Draft& d) { d.amount = "0"; }, "/amount not_positive"},
      {"decimals", Type::capture, [](Draft& d) { d.amount = "1.001"; }, "/amount too_many_decimals"},
      {"too large", Type::capture, [](Draft& d) { d.amount = "1e300"; }, "/amount too_large"},
      {"reference", Type::void_, [](Draft& d) { d.reference = ""; }, "/reference too_short"},
      {"description", Type::void_, [](Draft& d) { d.description = "\n"; }, "/description invalid_characters"},
      {"all at once", Type::void_, [](Draft& d) { d.user_id = "a", d.amount = "1", d.reference = ""; },
       "/user_id not_allowed, /amount not_allowed, /reference too_short"},
  };
  for (const Case& one : cases) {
    Draft draft;
    one.spoil(draft);
    EXPECT_EQ(faults_of(validate_child(one.type, parent_of_all(), draft, kCurrencies)), one.faults) << one.name;
  }
  EXPECT_EQ(faults_of(validate_child(Type::capture, parent_of_all(), {}, kCurrencies,
                                     {{"/amount", FieldRule::wrong_type, "must be a number"}})),
            "/amount wrong_type");
}

// Without its decimals an amount could only be guessed.
TEST(ChildValidation, AnAssetThatIsGoneTakesNoAmount) {
  Transaction parent = parent_of_all();
  parent.currency = "GONE";
  Draft draft;
  EXPECT_EQ(faults_of(validate_child(Type::capture, parent, draft, kCurrencies)), "");
  for (const std::string_view amount : {"1", "100"}) {
    draft.amount = amount;
    EXPECT_EQ(faults_of(validate_child(Type::capture, parent, draft, kCurrencies)), "/amount unknown_currency");
  }
}

TEST(ChildValidation, AChildHasItsAccountsFromItsParent) {
  Draft draft;
  draft.amount = "1.25";
  draft.reference = "r";
  draft.description = "d";
  draft.metadata = std::vector<std::pair<std::string_view, std::string_view>>{{"k", "v"}};
  Transaction expected;
  expected.user_id = "a";
  expected.to_user_id = "b";
  expected.amount_minor = 125;
  expected.currency = "USD";
  expected.parent_id = 7;
  expected.reference = "r";
  expected.description = "d";
  expected.metadata = R"({"k":"v"})";
  for (const Type type : {Type::capture, Type::reversal}) {
    expected.type = type;
    const auto child = validate_child(type, parent_of_all(), draft, kCurrencies);
    ASSERT_TRUE(child.has_value());
    EXPECT_EQ(*child, expected);
  }
}

TEST(ChildValidation, AnAmountLeftOutIsTheParents) {
  for (const Type type : {Type::capture, Type::void_, Type::reversal}) {
    const auto child = validate_child(type, parent_of_all(), {}, kCurrencies);
    ASSERT_TRUE(child.has_value());
    EXPECT_EQ(child->amount_minor, 500);
    EXPECT_EQ(child->reference, std::nullopt);
    EXPECT_EQ(child->capture, Capture::automatic);
    EXPECT_EQ(child->hold_expires_at, std::nullopt);
    EXPECT_EQ(child->status, Status::pending);
  }
  // A void moves no money, so it has no receiver.
  EXPECT_EQ(validate_child(Type::void_, parent_of_all(), {}, kCurrencies)->to_user_id, std::nullopt);
}

TEST(AccountUpdateValidation, NamesTheMemberAndTheRule) {
  struct Case {
    std::string name;
    std::string user;
    AccountDraft draft;
    std::string faults;
  };
  const auto limit = [](std::string_view text) { return AccountDraft{.overdraft_limit = text, .frozen = {}}; };
  const Case cases[] = {
      {"nothing said", "a", {}, " required"},
      {"no user", "", limit("1"), "user_id too_short"},
      {"long user", std::string(129, 'u'), limit("1"), "user_id too_long"},
      {"control characters", "a\n", limit("1"), "user_id invalid_characters"},
      {"negative", "a", limit("-1"), "/overdraft_limit too_small"},
      {"no number", "a", limit("much"), "/overdraft_limit not_a_number"},
      {"decimals", "a", limit("1.001"), "/overdraft_limit too_many_decimals"},
      {"too large", "a", limit("1e300"), "/overdraft_limit too_large"},
      {"one too large", "a", limit("92233720368547758.08"), "/overdraft_limit too_large"},
  };
  for (const Case& one : cases) {
    const auto result = validate_account_update(one.user, *kCurrencies.find("USD"), one.draft);
    EXPECT_EQ(faults_of(result), one.faults) << one.name;
  }
  EXPECT_EQ(faults_of(validate_account_update("a", *kCurrencies.find("USD"), {},
                                              {{"/frozen", FieldRule::wrong_type, "must be true or false"}})),
            "/frozen wrong_type");
}

TEST(AccountUpdateValidation, TakesOneOrBoth) {
  struct Case {
    AccountDraft draft;
    std::optional<std::int64_t> overdraft_limit;
    std::optional<bool> frozen;
  };
  const Case cases[] = {
      {{.overdraft_limit = "0", .frozen = {}}, 0, {}},
      {{.overdraft_limit = "0.00", .frozen = {}}, 0, {}},
      {{.overdraft_limit = "12.5", .frozen = {}}, 1'250, {}},
      {{.overdraft_limit = "92233720368547758.07", .frozen = {}}, test::kMost, {}},
      {{.overdraft_limit = {}, .frozen = true}, {}, true},
      {{.overdraft_limit = {}, .frozen = false}, {}, false},
      {{.overdraft_limit = "1", .frozen = true}, 100, true},
  };
  for (const Case& one : cases) {
    const auto result = validate_account_update("a", *kCurrencies.find("USD"), one.draft);
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->type, Type::account_update);
    EXPECT_EQ(result->user_id, "a");
    EXPECT_EQ(result->currency, "USD");
    EXPECT_EQ(result->amount_minor, 0);
    EXPECT_EQ(result->overdraft_limit, one.overdraft_limit);
    EXPECT_EQ(result->frozen, one.frozen);
  }
}

}  // namespace
}  // namespace tps::domain
