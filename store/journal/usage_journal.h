#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/journal/shard_journal.h"

namespace sluice {

// UsageJournalOptions - of the journals of all shards.
struct UsageJournalOptions {
  std::string folder;  // made if it is not there; its parent exists
  std::uint16_t shards = 1;
  std::size_t segment_bytes = kSegmentBytes;
  std::size_t memory_bytes_max = kJournalMemoryBytesMax;  // for each shard
};

// UsageJournal - the journals of all shards in one folder: <folder>/shard-00/... and so on. One
// process at a time (a lock on <folder>/lock). Where an earlier process had more shards, theirs are
// read too, and removed when they are applied.
//
// Owns      the lock and the journals.
// Affinity  keep() the keeper's thread, reserve() the reserve's; a ShardJournal's as it says. The
//           list of shards() stays as it is once they begin.
class UsageJournal {
 public:
  // `applied`: for each shard, by its index, the last sequence that the store has; 0 for those
  // beyond its end.
  [[nodiscard]] static std::expected<std::unique_ptr<UsageJournal>, JournalFailure> open(
      SegmentFiles& files, UsageJournalOptions options, std::span<const std::uint64_t> applied,
      Instant now);
  ~UsageJournal();
  UsageJournal(const UsageJournal&) = delete;
  UsageJournal& operator=(const UsageJournal&) = delete;

  [[nodiscard]] JournalWriter& writer(std::size_t shard) noexcept {
    return shards_[shard].journal->writer();
  }

  // All that are to be read: of the shards that run, and of those that were; these stay, empty,
  // when they are done.
  struct Shard {
    std::uint16_t index;
    std::unique_ptr<ShardJournal> journal;
    bool folder_removed = false;  // the keeper's
  };
  [[nodiscard]] std::span<Shard> shards() noexcept { return shards_; }
  [[nodiscard]] std::span<const Shard> shards() const noexcept { return shards_; }

  // ShardJournal::keep for each, and the end of the folders of those that are done.
  void keep(Instant now);
  // ShardJournal::save for each; the sum.
  [[nodiscard]] std::uint64_t save(Instant now);
  // ShardJournal::reserve for each.
  bool reserve();

 private:
  UsageJournal(SegmentFiles& files, UsageJournalOptions options);
  [[nodiscard]] std::expected<void, JournalFailure> lock();
  [[nodiscard]] std::expected<void, JournalFailure> add(std::uint16_t shard,
                                                        std::span<const std::uint64_t> applied);
  [[nodiscard]] std::expected<void, JournalFailure> add_former(
      std::span<const std::uint64_t> applied);

  SegmentFiles& files_;
  const UsageJournalOptions options_;
  int lock_fd_ = -1;
  std::vector<Shard> shards_;
};

}  // namespace sluice
