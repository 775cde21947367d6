// Runs every fuzz target over its seeds and over mutations of them, the same ones each time. This keeps the targets
// working between real fuzzing runs.
//     fuzz_replay                 all targets
//     fuzz_replay --seeds FOLDER  writes the seeds as FOLDER/<target>/<number>, for libFuzzer to start from
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "targets.hpp"

namespace {

constexpr int kMutations = 100'000;  // of each target
constexpr std::uint64_t kSeed = 20'260'131;

// Bytes that mean something to one of the parsers.
constexpr std::string_view kTelling = "0123456789eE+-.,:;\"\\{}[] \t\r\nuntrueflasx\xED\xA0\x80\xFF\x7F\x01";

class Mutator {
 public:
  explicit Mutator(std::span<const std::string_view> seeds) : seeds_(seeds) {}

  std::string next() {
    std::string text(pick_seed());
    for (std::size_t left = 1 + below(6); left > 0; --left) mutate(text);
    return text;
  }

 private:
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  std::string_view pick_seed() { return seeds_[below(seeds_.size())]; }

  void mutate(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    switch (below(5)) {
      case 0:
        text.insert(at, 1, kTelling[below(kTelling.size())]);
        break;
      case 1:
        text.erase(at, 1 + below(4));
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 3:
        text.insert(at, text.substr(below(text.size() + 1), 1 + below(16)));
        break;
      default: {
        const std::string_view other = pick_seed();
        text.replace(at, std::string::npos, other.substr(below(other.size() + 1)));
      }
    }
  }

  std::span<const std::string_view> seeds_;
  std::mt19937_64 random_{kSeed};  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
};

std::span<const std::string_view> seeds_of(const FuzzTarget& target) {
  static constexpr std::string_view kNothing[1];
  return target.seeds != nullptr ? *target.seeds : kNothing;
}

void run(const FuzzTarget& target, std::string_view text) {
  // A copy of exactly this size, so that a sanitizer sees a read beyond it.
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  target.run(bytes.data(), bytes.size());
}

void replay(const FuzzTarget& target) {
  std::printf("%.*s\n", static_cast<int>(target.name.size()), target.name.data());
  std::fflush(stdout);
  for (const std::string_view seed : seeds_of(target)) run(target, seed);
  Mutator mutator(seeds_of(target));
  for (int i = 0; i < kMutations; ++i) run(target, mutator.next());
}

void write_seeds(const FuzzTarget& target, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / target.name);
  int number = 0;
  for (const std::string_view seed : seeds_of(target)) {
    std::ofstream(folder / target.name / std::to_string(number++), std::ios::binary) << seed;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool write = argc == 3 && std::string_view(argv[1]) == "--seeds";
  if (argc > 1 && !write) {
    std::fputs("usage: fuzz_replay [--seeds FOLDER]\n", stderr);
    return 2;
  }
  for (const FuzzTarget& target : fuzz_targets) {
    if (write) {
      write_seeds(target, argv[2]);
    } else {
      replay(target);
    }
  }
  return fuzz_targets.empty() ? 1 : 0;
}
