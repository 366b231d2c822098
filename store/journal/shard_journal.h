#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/units.h"
#include "store/journal/journal_writer.h"
#include "store/journal/segment_reader.h"
#include "store/journal/segment_supply.h"
#include "store/journal/usage_sink.h"

namespace sluice {

// 32,768 slots: 16,000 requests, a second of a shard at its limit; allocated and made present in
// about a millisecond.
inline constexpr std::size_t kSegmentBytes = 4 * kMiB;
// For one shard while the disk takes nothing: 250,000 requests until new ones are refused.
inline constexpr std::size_t kJournalMemoryBytesMax = 64 * kMiB;

// ShardJournalOptions - of one shard's journal.
struct ShardJournalOptions {
  std::string folder;  // of this shard; its parent exists
  std::uint16_t shard = 0;
  std::size_t segment_bytes = kSegmentBytes;  // a multiple of the page size
  std::size_t memory_bytes_max = kJournalMemoryBytesMax;
};

// JournalState - how a journal is, for the log and for metrics.
struct JournalState {
  int disk_errno = 0;              // what the disk said last; 0: all is well
  std::size_t segments = 0;        // that hold records not applied, or are ready for new ones
  std::size_t memory_bytes = 0;    // of them in memory, which does not outlive the process
  std::uint64_t next_to_read = 0;  // sequence
};

// ShardJournal - the chain of segments of one shard, as the store's thread sees it: what an earlier
// process left, then what the shard writes now (JournalWriter), then what is ready for it.
//
// Owns      the segments, their files, the writer.
// Affinity  the store's thread, but for writer(), which is the shard's.
// Lifetime  longer than the shard's thread. The destructor removes files whose records are applied,
//           and gives those in memory a file if it can.
// Limits    backlog: the disk. A store that has stopped applying is seen in state().
class ShardJournal {
 public:
  ShardJournal(SegmentFiles& files, ShardJournalOptions options);
  ~ShardJournal();
  ShardJournal(const ShardJournal&) = delete;
  ShardJournal& operator=(const ShardJournal&) = delete;

  // Finds what is there. `applied`: the last sequence that the store has, 0 for none.
  [[nodiscard]] std::expected<void, JournalFailure> open(std::uint64_t applied);

  // Makes the first segments for a shard that is to write from now on. In memory if the disk is
  // full.
  [[nodiscard]] std::expected<void, JournalFailure> begin_writing(Instant now);
  [[nodiscard]] JournalWriter& writer() noexcept { return *writer_; }
  [[nodiscard]] bool is_written() const noexcept { return writer_ != nullptr; }

  // Hands at most `records_max` of the records that follow to `sink`, in order, and says how many.
  std::size_t read(std::size_t records_max, UsageSink& sink);
  // Goes back to the first record that is not applied, as after a transaction that failed.
  void read_again() noexcept;

  // The store has all records up to this one, for good: their segments may go.
  void applied(std::uint64_t sequence) noexcept;

  // Has segments ready for the shard, writes those in memory to files when the disk takes them, and
  // removes those that are applied. Every 10 ms or after each batch; may wait for the disk.
  void keep(Instant now);

  // Nothing is left to be applied, and nobody writes: the folder may go.
  [[nodiscard]] bool is_done() const noexcept { return writer_ == nullptr && chain_.empty(); }
  [[nodiscard]] JournalState state() const noexcept;
  [[nodiscard]] const std::string& folder() const noexcept { return options_.folder; }

 private:
  [[nodiscard]] std::expected<void, JournalFailure> find_segments();
  [[nodiscard]] bool is_unused(const Segment& segment);
  void find_last_sequence();
  [[nodiscard]] bool load(Segment& segment);
  void unload(Segment& segment) noexcept;
  [[nodiscard]] bool enter(UsageSink& sink);
  void leave_entered();
  void report_missing(std::uint64_t sequence, UsageSink& sink);
  void report_damage(UsageSink& sink);
  [[nodiscard]] bool take_record(UsageSink& sink);
  void release_applied();
  void grow(Instant now);
  void leave_memory(Instant now);
  void warm_ahead();
  void link(std::unique_ptr<Segment> segment);
  [[nodiscard]] std::size_t writers_place() const noexcept;
  [[nodiscard]] std::uint64_t usable_ahead() const noexcept;

  SegmentFiles& files_;
  const ShardJournalOptions options_;
  SegmentSupply supply_;
  std::deque<std::unique_ptr<Segment>> chain_;
  std::unique_ptr<JournalWriter> writer_;
  std::uint64_t last_sequence_ = 0;  // found at the start
  std::uint64_t applied_ = 0;

  // Where reading is: chain_[at_], at slot reader_->next_slot() once it is entered.
  std::unique_ptr<SegmentReader> reader_;
  std::size_t at_ = 0;
  bool entered_ = false;
  std::uint64_t next_ = 1;            // the sequence that comes next, if none is missing
  std::uint64_t delivered_ = 0;       // the last one that a sink took, or that is applied
  std::uint64_t delivered_most_ = 0;  // before read_again() too
  int read_errno_ = 0;
};

}  // namespace sluice
