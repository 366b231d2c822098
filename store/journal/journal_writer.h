#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "store/journal/name_table.h"
#include "store/journal/segment.h"
#include "store/journal/slot.h"
#include "store/usage_event.h"

namespace sluice {

// JournalStart - what the end of an attempt has to know of its start.
struct JournalStart {
  std::uint64_t sequence = 0;                      // 0: there was no room, and nothing was written
  std::uint64_t segment = 0;                       // its number
  std::array<std::uint16_t, kNameFields> names{};  // as they stand there; RecordSlot::names

  [[nodiscard]] bool any() const noexcept { return sequence != 0; }
};

// JournalWriter - the shard's end of its usage journal.
//
// start() takes room for the start and sets as much aside for the end that must follow it, so an
// end always finds its room and cannot fail. Appending is encoding, a checksum and a copy into
// memory that is mapped and present: no system call, no allocation, no lock. Segments that follow
// the present one are linked to it by other threads (ShardJournal::keep); when they are late, or
// the disk and the memory for that case are full, start() and refused() say so before anything is
// written or sent.
//
// Owns      the segment's names. Not the segments.
// Affinity  the shard; next_sequence(), slots_set_aside() and times_refused() any thread.
// Lifetime  within the ShardJournal's.
// Limits    an attempt sets kGroupSlotsMax slots aside (1.5 KiB) until it ends: its names may have
//           to be written again in a new segment.
class JournalWriter {
 public:
  // `first` is a fresh segment; the next record gets the sequence `next_sequence`.
  JournalWriter(std::uint16_t shard, Segment& first, std::uint64_t next_sequence) noexcept;
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

  // Before the first byte of an attempt leaves. Exactly one end() must follow a start that any()
  // tells of. `kind`, `sequence` and `started_by` of the event are not looked at, here and below.
  [[nodiscard]] JournalStart start(const UsageEvent& event) noexcept;
  // The end of the attempt that `started`, whose event had the same account, pool, client key and
  // models; its own sequence.
  std::uint64_t end(const UsageEvent& event, JournalStart started) noexcept;
  // A request that no account served: its sequence, 0 when there is no room.
  [[nodiscard]] std::uint64_t refused(const UsageEvent& event) noexcept;

  // Would start() and refused() find room now? For whoever wants to refuse early.
  [[nodiscard]] bool ready() noexcept { return has_room_for(2); }

  [[nodiscard]] std::uint64_t next_sequence() const noexcept {
    return next_sequence_.load(std::memory_order_relaxed);
  }
  // How often start() and refused() found no room.
  [[nodiscard]] std::uint64_t times_refused() const noexcept {
    return times_refused_.load(std::memory_order_relaxed);
  }
  // What ends still to come may take.
  [[nodiscard]] std::uint64_t slots_set_aside() const noexcept {
    return set_aside_.load(std::memory_order_relaxed);
  }

 private:
  struct Texts;

  [[nodiscard]] bool has_room_for(std::uint32_t groups) noexcept;
  void refuse() noexcept;
  void look_ahead() noexcept;
  void make_room() noexcept;
  void enter(Segment& segment) noexcept;
  void leave_segment() noexcept;
  std::uint64_t append(const UsageEvent& event, UsageKind kind, JournalStart& start) noexcept;
  [[nodiscard]] std::uint16_t intern(TextField field, std::string_view text) noexcept;
  void write_text(std::uint16_t target, std::string_view text) noexcept;
  void add_set_aside(std::int64_t slots) noexcept;
  [[nodiscard]] std::uint32_t free_slots() const noexcept { return segment_->slots - at_; }
  [[nodiscard]] std::byte* slot_bytes() const noexcept {
    return segment_->bytes + at_ * kSlotBytes;
  }

  const std::uint16_t shard_;
  Segment* segment_;
  Segment* last_seen_;             // the farthest segment that we know to be linked
  std::uint64_t slots_ahead_ = 0;  // usable ones of those behind segment_, up to last_seen_
  std::uint32_t at_ = 0;           // the next slot of segment_
  std::uint32_t seed_ = 0;
  // Written by the shard only.
  std::atomic<std::uint64_t> next_sequence_;
  std::atomic<std::uint64_t> set_aside_{0};
  std::atomic<std::uint64_t> times_refused_{0};
  NameTable names_;
  std::uint16_t last_ids_[kNameFields] = {};  // of each field: mostly it says the same again
};

}  // namespace sluice
