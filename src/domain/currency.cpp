#include "domain/currency.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace tps::domain {
namespace {

// ISO 4217, active national currencies and funds that have a minor unit, by number of decimals.
// Codes whose minor unit is "N.A." (gold, testing, no currency) are not money that can be counted and are left out.
struct IsoGroup {
  int exponent;
  std::string_view codes;
};
constexpr std::array kIso4217{
    IsoGroup{0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"},
    IsoGroup{2,
             "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
             "CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
             "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT "
             "MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR "
             "SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU "
             "UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"},
    IsoGroup{3, "BHD IQD JOD KWD LYD OMR TND"},
    IsoGroup{4, "CLF UYW"},
};

constexpr std::size_t kMinCode = 2;
constexpr std::size_t kMaxCode = 12;
constexpr int kMaxExponent = 18;

constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string to_upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), upper);
  return out;
}

// Calls `visit` with each non-empty part of `text` between separators.
template <class Visit>
void split(std::string_view text, char separator, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::expected<Currency, std::string> parse_asset(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string code = to_upper(text.substr(0, colon));
  const auto is_allowed = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (code.size() < kMinCode || code.size() > kMaxCode || !std::ranges::all_of(code, is_allowed)) {
    return std::unexpected("asset \"" + std::string(text) + "\": the code must be 2 to 12 letters or digits");
  }
  const std::string_view digits = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  int exponent = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (error != std::errc{} || end != digits.data() + digits.size() || exponent < 0 || exponent > kMaxExponent) {
    return std::unexpected("asset \"" + std::string(text) + "\": expected CODE:DECIMALS with 0 to 18 decimals");
  }
  return Currency{code, exponent};
}

}  // namespace

std::size_t Currencies::CaseFoldedHash::operator()(std::string_view code) const {
  std::size_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : code) hash = (hash ^ static_cast<std::uint8_t>(upper(c))) * 1099511628211ULL;
  return hash;
}

bool Currencies::CaseFoldedEqual::operator()(std::string_view a, std::string_view b) const {
  return std::ranges::equal(a, b, {}, upper, upper);
}

Currencies::Currencies() {
  for (const IsoGroup& group : kIso4217) {
    split(group.codes, ' ', [&](std::string_view code) {
      by_code_.emplace(std::string(code), Currency{std::string(code), group.exponent});
    });
  }
}

std::expected<Currencies, std::string> Currencies::with_assets(std::string_view assets) {
  Currencies currencies;
  std::string error;
  split(assets, ',', [&](std::string_view text) {
    auto asset = parse_asset(text);
    if (!asset) {
      error = asset.error();
      return;
    }
    const Currency* known = currencies.find(asset->code);
    if (known != nullptr && known->exponent != asset->exponent) {
      error = "asset \"" + std::string(text) + "\": " + asset->code + " already has " +
              std::to_string(known->exponent) + " decimals";
      return;
    }
    const std::string code = asset->code;
    currencies.by_code_.emplace(code, std::move(*asset));
  });
  if (!error.empty()) return std::unexpected(error);
  return currencies;
}

const Currency* Currencies::find(std::string_view code) const {
  const auto it = by_code_.find(code);
  return it == by_code_.end() ? nullptr : &it->second;
}

std::vector<Currency> Currencies::all() const {
  std::vector<Currency> list;
  list.reserve(by_code_.size());
  for (const auto& [_, currency] : by_code_) list.push_back(currency);
  std::ranges::sort(list, {}, &Currency::code);
  return list;
}

}  // namespace tps::domain
