#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "store/journal/segment.h"
#include "store/journal/segment_files.h"
#include "store/journal/segment_reader.h"
#include "store/journal/usage_sink.h"

namespace sluice {

// Makes the bytes of a segment that an earlier process left readable, and gives them up again. An
// errno number; a file that somebody removed reads as an empty one.
[[nodiscard]] int load_segment(SegmentFiles& files, Segment& segment);
void unload_segment(Segment& segment) noexcept;

// JournalReader - the store's end of one shard's chain of segments: hands out records in order, and
// says how many segments from the front nobody needs any more.
//
// It follows Segment::next and knows nothing of the chain that holds the segments. What it has done
// with is told by one count, released(), behind which it never looks again: so the thread that
// keeps the chain and the one that reads it need no lock.
//
// Owns      the place, and what is loaded of an earlier process' segment.
// Affinity  the store's thread; released(), next_to_read() and os_errno() any.
// Lifetime  within the ShardJournal's.
class JournalReader {
 public:
  JournalReader(SegmentFiles& files, std::uint64_t applied);
  JournalReader(const JournalReader&) = delete;
  JournalReader& operator=(const JournalReader&) = delete;

  // The front of a chain of which nothing is read yet. Before the threads begin.
  void begin_at(Segment& front) noexcept;

  // Hands at most `records_max` of the records that follow to `sink`, in order, and says how many.
  std::size_t read(std::size_t records_max, UsageSink& sink);
  // Goes back to the first record that is not applied.
  void read_again() noexcept;
  // The store has all records up to this one, for good: until it has said so once, nothing is
  // released, for what it had at the start a loss of power may still undo.
  void applied(std::uint64_t sequence) noexcept;
  [[nodiscard]] std::uint64_t applied() const noexcept { return applied_; }
  [[nodiscard]] bool all_for_good(std::uint64_t last) const noexcept {
    return applied_ == last && (lasts_ || last == 0);
  }

  // Segments, counted from the front of begin_at(), that will never be looked at again.
  [[nodiscard]] std::uint64_t released() const noexcept {
    return released_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint64_t next_to_read() const noexcept {
    return next_.load(std::memory_order_relaxed);
  }
  // Why a segment cannot be read now; 0: it can.
  [[nodiscard]] int os_errno() const noexcept { return os_errno_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] bool enter(UsageSink& sink);
  void leave_entered(UsageSink& sink);
  [[nodiscard]] bool take_record(UsageSink& sink);
  void report_missing(std::uint64_t sequence, UsageSink& sink);
  void report_damage(UsageSink& sink);
  void note_tail();
  void report_tail(std::uint64_t next_begins, UsageSink& sink);
  void release() noexcept;
  // The sequence that comes next, if none is missing. Written by this thread only.
  [[nodiscard]] std::uint64_t next() const noexcept { return next_to_read(); }
  void set_next(std::uint64_t sequence) noexcept {
    next_.store(sequence, std::memory_order_relaxed);
  }

  SegmentFiles& files_;
  std::unique_ptr<SegmentReader> reader_;
  std::uint64_t applied_;
  bool lasts_ = false;        // applied_ is more than what was given at the start
  Segment* first_ = nullptr;  // the oldest that is not released; null: all are
  // Where reading is, at slot reader_->next_slot() once it is entered; null behind the last segment
  // of a shard that writes no more.
  Segment* at_ = nullptr;
  bool entered_ = false;
  // Of the segment before, until the next one tells what it has cost; 0 bytes: none.
  JournalLoss tail_;
  std::uint64_t delivered_;       // the last one that a sink took, or that is applied
  std::uint64_t delivered_most_;  // before read_again() too
  std::atomic<std::uint64_t> next_;
  std::atomic<std::uint64_t> released_{0};
  std::atomic<int> os_errno_{0};
};

}  // namespace sluice
