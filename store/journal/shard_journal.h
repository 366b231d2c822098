#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "store/journal/journal_reader.h"
#include "store/journal/journal_writer.h"
#include "store/journal/segment_supply.h"
#include "store/journal/usage_sink.h"

namespace sluice {

// 8,192 slots: 2,000 to 4,000 requests; allocated and made present in less than a millisecond. A
// shard has four at least, of which each page is in memory; one with much to do has more of them,
// not larger ones, so that one with little costs little.
inline constexpr std::size_t kSegmentBytes = 1 * kMiB;
// Ahead of a shard at its limit: half a second.
inline constexpr std::size_t kPaceBytesMax = 8 * kMiB;
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
  std::size_t file_bytes = 0;      // of all files, those that wait to be used again too
  std::uint64_t next_to_read = 0;  // sequence
  std::uint64_t last_written = 0;  // sequence
  std::uint64_t refused = 0;       // times that a shard was told that there is no room
};

// ShardJournal - the chain of segments of one shard: what an earlier process left, then what the
// shard writes now (JournalWriter), then what is ready for it.
//
// Three threads work on it beside the shard, so that none of them ever waits for what another one
// waits for: the store's reads, the keeper has files made, warmed and removed, and the reserve
// steps in with segments in memory when the keeper does not come because the disk hangs.
//
// Owns      the segments, their files, the writer, the reader.
// Affinity  writer() the shard's; read(), read_again() and applied() the store's; keep() the
//           keeper's; reserve() the reserve's; state() any. All else before they begin.
// Lifetime  longer than these threads. The destructor removes files whose records are applied, and
//           gives those in memory a file if it can.
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

  // As JournalReader's.
  std::size_t read(std::size_t records_max, UsageSink& sink) {
    return reader_->read(records_max, sink);
  }
  void read_again() noexcept { reader_->read_again(); }
  void applied(std::uint64_t sequence) noexcept { reader_->applied(sequence); }

  // Has segments ready for the shard, writes those in memory to files when the disk takes them, and
  // removes those that are applied. Every 10 ms; may wait for the disk.
  void keep(Instant now);
  // Gives the shard memory when it is about to run out of segments, which happens when keep() waits
  // for a disk. Waits for no disk itself. False: there is none left, and new requests are refused
  // soon.
  bool reserve();

  // When nobody writes and nobody keeps any more: gives what is in memory and not applied a file.
  // Returns how many slots got none: records, and the texts in front of them.
  [[nodiscard]] std::uint64_t save(Instant now);

  // Nothing is left to be applied, and nobody writes: the folder may go. The keeper's question.
  [[nodiscard]] bool is_done() const noexcept { return writer_ == nullptr && chain_.empty(); }
  [[nodiscard]] JournalState state() const noexcept;
  [[nodiscard]] const std::string& folder() const noexcept { return options_.folder; }

 private:
  // Pages of a segment that are to be made writable.
  struct Pages {
    Segment* segment;
    std::byte* begin;
    std::size_t size;
  };

  [[nodiscard]] std::expected<void, JournalFailure> find_segments(SegmentReader& reader);
  [[nodiscard]] bool is_unused(const Segment& segment, SegmentReader& reader) const;
  void find_last_sequence(SegmentReader& reader);
  [[nodiscard]] bool is_needed(const Segment& segment) const;
  void retire();
  void measure_pace(Instant now);
  void grow(Instant now);
  void leave_memory(Instant now);
  void warm_ahead(Instant now);
  [[nodiscard]] std::vector<Pages> pages_ahead(Instant now);
  void link(std::unique_ptr<Segment> segment);
  [[nodiscard]] bool ends_in_memory();
  [[nodiscard]] std::size_t writers_place() const noexcept;
  [[nodiscard]] std::uint64_t usable_ahead();
  [[nodiscard]] std::uint64_t usable_in_one() const noexcept;

  SegmentFiles& files_;
  const ShardJournalOptions options_;
  SegmentSupply supply_;
  std::unique_ptr<JournalReader> reader_;
  std::unique_ptr<JournalWriter> writer_;
  std::uint64_t last_sequence_ = 0;  // found at the start

  // The keeper's.
  std::uint64_t pace_ = 0;   // slots that the shard has used in the last second or so
  std::uint64_t ahead_ = 0;  // usable_ahead(), as it was when the keeper left
  Instant paced_at_{};
  struct Place {
    std::uint64_t segment = 0;  // its number
    std::size_t bytes = 0;      // of it
    auto operator<=>(const Place&) const = default;
  };
  Place warmed_;   // up to where pages have been made writable
  Place written_;  // the page in which the shard was when the keeper looked last
  Instant warm_again_at_{};

  // For the keeper and the reserve, and held for work with pointers alone. Segments are freed by
  // the keeper only, which so may look at those it has found there without it.
  std::mutex chain_mutex_;
  std::deque<std::unique_ptr<Segment>> chain_;  // ascending numbers
  std::uint64_t retired_ = 0;                   // as JournalReader::released()

  std::atomic<std::size_t> segments_{0};
  std::atomic<std::size_t> file_bytes_{0};   // of the chain
  std::atomic<std::size_t> spare_bytes_{0};  // of the supply
};

}  // namespace sluice
