// The requests to send. They are built in advance; only the few bytes that differ are patched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"

namespace tps::bench {

// splitmix64: one multiplication or two a number, and the same ones for the same seed.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  // 0 <= result < bound
  std::uint64_t below(std::uint64_t bound);
  // 0 <= result < bound; k is about as likely as 1 / (k + 1)
  std::uint64_t long_tailed(std::uint64_t bound);

 private:
  double unit();  // 0 <= result < 1
  std::uint64_t state_;
};

// One thread. The mix: several currencies with their own decimals, amounts over four magnitudes, a description in
// three of ten transactions, metadata in one of ten.
class Workload {
 public:
  explicit Workload(const Options& options);

  // The next complete request. Valid until the next call.
  std::string_view next();

 private:
  struct User {
    std::size_t at = 0;        // offset of six digits
    bool is_receiver = false;  // receiver of the transfer whose payer comes before
  };
  struct Template {
    std::string bytes;
    std::vector<User> users;
    std::size_t key = 0;  // offset of the twelve hex digits that change in the key; 0 = no key
  };

  void build();
  [[nodiscard]] std::string make_head(std::string_view method, std::string_view target, std::string_view type,
                                      std::size_t length) const;
  static std::vector<User> find_users(std::string_view text);
  Template make_path();
  Template make_post();
  Template make_batch();
  std::string make_item();
  const CurrencyShare& draw_currency();
  std::uint64_t draw_user(std::uint64_t bound);
  std::uint64_t draw_payer(bool of_transfer);
  std::uint64_t draw_receiver(std::uint64_t payer);
  void patch_users(Template& chosen);
  void patch_key(Template& chosen);

  const Options options_;
  Random random_;
  std::string key_prefix_ = "00000000-0000-4000-8000-";  // the same for all keys of a run, different between runs
  std::vector<Template> templates_;
  std::size_t turn_ = 0;
  std::uint64_t keys_made_ = 0;
  std::uint64_t ids_asked_ = 0;
};

}  // namespace tps::bench
