// The work of `tps import`: batches from the reader to the store, one being read while the one before is made durable.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/acceptance.hpp"
#include "files/import_flight.hpp"
#include "files/import_reader.hpp"
#include "files/import_rejects.hpp"
#include "ports/store.hpp"

namespace tps::files {

struct ImportCounts {
  std::uint64_t imported = 0;
  std::uint64_t already_there = 0;
  std::uint64_t rejected = 0;

  [[nodiscard]] std::uint64_t lines() const { return imported + already_there + rejected; }
};

class ImportRun {
 public:
  // All are given by who imports and must outlive this object.
  struct Parts {
    ImportReader& reader;
    ports::Store& store;  // open
    RejectFile& rejects;
    // Called after each batch with the bytes read and the lines done so far.
    std::function<void(std::uint64_t bytes, std::uint64_t lines)> progress;
    Persistence persistence;
    std::string principal;
    std::uint32_t partitions = 1;
    std::size_t max_batch = 1;
    std::optional<std::uint64_t> max_rejects;
    std::function<bool()> stop;  // asked between batches
  };
  explicit ImportRun(Parts parts) : parts_(std::move(parts)) {}

  // To the end of the file. The error is a sentence; what is counted by then is durable or in the reject file.
  std::expected<void, std::string> run();

  [[nodiscard]] const ImportCounts& counts() const { return counts_; }

 private:
  // The lines that are read and not yet durable.
  struct Batch {
    struct Place {
      std::uint64_t line = 0;
      std::size_t begin = 0;  // within texts
      std::size_t size = 0;
    };
    std::vector<domain::Submission> submissions;
    std::vector<Place> places;  // of each submission
    std::string texts;
    std::vector<std::pair<std::uint64_t, std::string>> rejects;  // by line
    std::size_t reject_bytes = 0;
    std::uint64_t bytes_read = 0;  // of the file, up to the end of this batch
    bool last = false;
  };

  std::expected<Batch, std::string> read();
  void add(Batch& batch, ImportItem item) const;
  static void reject(Batch& batch, std::uint64_t line, const Flaw& flaw, std::string_view text);
  // Counts the outcomes of a batch; undecided lines do not count.
  std::expected<void, std::string> conclude(Batch& batch);

  const Parts parts_;
  ImportCounts counts_;
};

}  // namespace tps::files
