// The currencies this system knows: ISO 4217 (the active list, with its minor units) and whatever
// assets the configuration adds. Immutable after construction, so any thread may read.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tps::domain {

struct Currency {
  std::string code;  // upper case: "USD", "BTC"
  int exponent = 0;  // decimals: 2 for USD, 0 for JPY, 3 for KWD, 4 for UYW

  bool operator==(const Currency&) const = default;
};

class Currencies {
 public:
  // ISO 4217 alone.
  Currencies();

  // ISO 4217 and `assets` from "BTC:8,POINTS:0": codes of 2..12 letters or digits, 0..18 decimals.
  // An asset may not redefine an ISO code with other decimals. The error is a sentence for people.
  static std::expected<Currencies, std::string> with_assets(std::string_view assets);

  // Any case in; nullptr when unknown. The pointer lives as long as this object.
  [[nodiscard]] const Currency* find(std::string_view code) const;

  [[nodiscard]] std::vector<Currency> all() const;

 private:
  struct CaseFoldedHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view code) const;
  };
  struct CaseFoldedEqual {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
  };
  std::unordered_map<std::string, Currency, CaseFoldedHash, CaseFoldedEqual> by_code_;
};

}  // namespace tps::domain
