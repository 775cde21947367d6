// Making a batch of an import durable, whatever the store does meanwhile.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <span>
#include <string>

#include "domain/acceptance.hpp"
#include "ports/store.hpp"

namespace tps::files {

struct Persistence {
  std::chrono::milliseconds patience{};  // how long to ask again, counted from the first refusal of a batch
  // Waits between two attempts; true: asked to end. Called on the thread of fly().
  std::function<bool(std::chrono::milliseconds)> pause;
  std::function<domain::Timestamp()> now;
};

// Appends all submissions, which have keys, in order within each partition; what is unavailable or unknown is asked
// again. A submission that this call added is `accepted`, even if that became clear only in a repetition. On an error
// (a sentence) some are still unavailable or unknown.
std::expected<void, std::string> fly(ports::Store& store, std::span<domain::Submission> batch,
                                     const Persistence& persistence);

}  // namespace tps::files
