// "Did you mean ...?": the one place that guesses what a mistyped word was meant to be.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tps {

// The word among `known` that `word` is most likely a slip of; nullopt when none is near.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);

// "; did you mean WORD?", or "" when none is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

// "expected auto, json or human, not \"jsn\"; did you mean json?"
std::string expected_one_of(std::span<const std::string> known, std::string_view given);

}  // namespace tps
