#include "http/headers/accept.hpp"

#include <algorithm>

#include "wire/ascii.hpp"

namespace tps::http {
namespace {

constexpr int kFullWeight = 1000;

// The weight that one media range gives to one type. A range that names the type counts more than one with an asterisk.
struct Opinion {
  int precision = 0;  // 0: it does not speak of this type
  int weight = kFullWeight;
};

// "0.5" in thousandths; nullopt for what is not a weight.
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.front() != '0' && text.front() != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = (text.front() - '0') * kFullWeight;
  int unit = kFullWeight / 10;
  for (std::size_t i = 2; i < text.size(); ++i, unit /= 10) {
    if (!wire::is_digit(text[i])) return std::nullopt;
    weight += (text[i] - '0') * unit;
  }
  return weight <= kFullWeight ? std::optional(weight) : std::nullopt;
}

int precision_for(std::string_view range, std::string_view type) {
  if (wire::equal_ignoring_case(range, type)) return 3;
  if (range == "*/*") return 1;
  const std::size_t slash = type.find('/');
  const bool any_subtype =
      range.ends_with("/*") && wire::equal_ignoring_case(range.substr(0, range.size() - 2), type.substr(0, slash));
  return any_subtype ? 2 : 0;
}

// "text/csv;q=0.5" about `type`. As elsewhere, a parameter other than the weight is not looked at.
Opinion opinion_of(std::string_view element, std::string_view type) {
  Opinion opinion;
  opinion.precision = precision_for(wire::next_element(element, ';'), type);
  while (!element.empty()) {
    std::string_view parameter = wire::next_element(element, ';');
    if (!wire::equal_ignoring_case(wire::next_element(parameter, '='), "q")) continue;
    const auto weight = parse_weight(wire::trim(parameter));
    if (!weight) return {};
    opinion.weight = *weight;
  }
  return opinion;
}

int weight_of(const Request& request, std::string_view type) {
  Opinion best{.precision = 0, .weight = 0};
  for (const auto& [name, value] : request.headers) {
    if (!wire::equal_ignoring_case(name, "accept")) continue;
    for (std::string_view rest = value; !rest.empty();) {
      const Opinion opinion = opinion_of(wire::next_element(rest, ','), type);
      if (opinion.precision > best.precision) best = opinion;
    }
  }
  return best.precision == 0 ? 0 : best.weight;
}

}  // namespace

std::optional<std::string_view> choose_media_type(const Request& request, std::span<const std::string_view> offered) {
  const auto header = request.header("accept");
  if (!header || wire::trim(*header).empty()) return offered.front();
  std::optional<std::string_view> chosen;
  int best = 0;
  for (const std::string_view type : offered) {
    const int weight = weight_of(request, type);
    if (weight <= best) continue;
    best = weight;
    chosen = type;
  }
  return chosen;
}

}  // namespace tps::http
