#include "store/journal/journal_reader.h"

#include <algorithm>
#include <cerrno>
#include <span>

#include "base/assert.h"

namespace sluice {

int load_segment(SegmentFiles& files, Segment& segment) {
  const auto loaded = files.load(segment.path);
  if (!loaded && loaded.error() != ENOENT) return loaded.error();
  // A file that somebody removed: what is missing shows in the sequences.
  const std::span<std::byte> bytes = loaded ? *loaded : std::span<std::byte>();
  segment.bytes = bytes.data();
  segment.map_bytes = bytes.size();
  segment.slots = static_cast<std::uint32_t>(bytes.size() / kSlotBytes);
  segment.published.store(segment.slots);
  return 0;
}

void unload_segment(Segment& segment) noexcept {
  SegmentFiles::unmap(segment.bytes, segment.map_bytes);
  segment.bytes = nullptr;
}

JournalReader::JournalReader(SegmentFiles& files, std::uint64_t applied)
    : files_(files),
      reader_(std::make_unique<SegmentReader>()),
      applied_(applied),
      delivered_(applied),
      delivered_most_(applied),
      next_(applied + 1) {}

void JournalReader::begin_at(Segment& front) noexcept {
  SL_ASSERT(first_ == nullptr && released() == 0);
  first_ = &front;
  at_ = &front;
}

std::size_t JournalReader::read(std::size_t records_max, UsageSink& sink) {
  std::size_t taken = 0;
  while (taken < records_max && at_ != nullptr) {
    if (!entered_ && !enter(sink)) break;
    // In this order: what is published when it is sealed is all there will be.
    const bool sealed = at_->sealed.load(std::memory_order_acquire);
    switch (reader_->next(at_->published.load(std::memory_order_acquire))) {
      case SegmentReader::Step::kRecord: taken += take_record(sink) ? 1 : 0; break;
      case SegmentReader::Step::kDamage: report_damage(sink); break;
      case SegmentReader::Step::kEnd:
        if (!sealed) return taken;
        leave_entered(sink);
        break;
    }
  }
  return taken;
}

// False when it has been applied before.
bool JournalReader::take_record(UsageSink& sink) {
  const UsageEvent& event = reader_->event();
  if (event.sequence < next()) return false;
  report_missing(event.sequence, sink);
  set_next(event.sequence + 1);
  delivered_ = event.sequence;
  delivered_most_ = std::max(delivered_most_, delivered_);
  sink.take(event);
  return true;
}

// False when there is nothing in it yet, or it cannot be read now.
bool JournalReader::enter(UsageSink& sink) {
  Segment& segment = *at_;
  if (segment.recovered) {
    const int failed = load_segment(files_, segment);
    os_errno_.store(failed, std::memory_order_relaxed);
    if (failed != 0) return false;
  }
  const std::uint32_t published = segment.published.load(std::memory_order_acquire);
  if (published == 0 && !segment.recovered) return false;
  HeaderRead header;
  if (published > 0) header = read_header(segment.bytes, segment.number);
  const bool taken = header.state == HeaderState::kTaken;
  report_tail(taken ? header.first_sequence : 0, sink);
  if (taken) report_missing(header.first_sequence, sink);
  const std::span<const std::byte> rest(segment.bytes, segment.map_bytes);
  const bool stump = segment.recovered && segment.slots == 0 && !is_blank(rest);
  if (header.state == HeaderState::kDamaged || stump) {
    segment.damaged = true;
    sink.lost({segment.path, 0, std::min(rest.size(), kSlotBytes), 1, 0, stump ? 1U : 0U});
  }
  reader_->begin({segment.bytes, segment.slots * kSlotBytes}, segment.number,
                 taken ? header.first_sequence : 1, taken);
  entered_ = true;
  return true;
}

// A segment that is sealed has a next one, but for the last of a shard that is no more.
void JournalReader::leave_entered(UsageSink& sink) {
  Segment& segment = *at_;
  note_tail();
  segment.last_sequence = delivered_;
  if (segment.recovered) unload_segment(segment);
  entered_ = false;
  at_ = segment.next.load(std::memory_order_acquire);
  if (at_ == nullptr) report_tail(0, sink);
  release();
}

// What is behind the last record of a segment that is read to its end.
void JournalReader::note_tail() {
  Segment& segment = *at_;
  const SegmentReader::Tail tail = reader_->tail(segment.published.load(std::memory_order_acquire));
  if (tail.slots == 0) return;
  // All of it was applied before it was damaged.
  if (reader_->is_sure() && reader_->expected_sequence() + tail.slots <= next()) return;
  segment.damaged = true;
  tail_ = {segment.path,
           tail.first_slot * kSlotBytes,
           (tail.last_slot - tail.first_slot + 1) * kSlotBytes,
           1,
           0,
           tail.slots};
}

// `next_begins`: with this record, as far as is known. A process that died there and one that went
// on behind the last record it found have left no gap: then nobody knows what was lost.
void JournalReader::report_tail(std::uint64_t next_begins, UsageSink& sink) {
  if (tail_.bytes == 0) return;
  if (next_begins > next()) {
    tail_.first_sequence = next();
    tail_.last_sequence = next_begins - 1;
    set_next(next_begins);
  }
  sink.lost(tail_);
  tail_ = {};
}

void JournalReader::read_again() noexcept {
  if (entered_ && at_->recovered) unload_segment(*at_);
  entered_ = false;
  tail_ = {};
  at_ = first_;
  set_next(applied_ + 1);
  delivered_ = applied_;
}

// The records before `sequence` that have not come: nowhere to be found.
void JournalReader::report_missing(std::uint64_t sequence, UsageSink& sink) {
  if (sequence <= next()) return;
  sink.lost({at_->path, 0, 0, next(), sequence - 1});
  set_next(sequence);
}

void JournalReader::report_damage(UsageSink& sink) {
  const SegmentReader::Damage& damage = reader_->damage();
  if (damage.last_sequence + 1 < next()) return;  // all of it applied before it was damaged
  at_->damaged = true;
  sink.lost({at_->path, damage.first_slot * kSlotBytes, damage.slots * kSlotBytes,
             std::max(damage.first_sequence, next()), damage.last_sequence});
  set_next(std::max(next(), damage.last_sequence + 1));
}

void JournalReader::applied(std::uint64_t sequence) noexcept {
  SL_ASSERT(sequence <= delivered_most_);
  applied_ = std::max(applied_, sequence);
  lasts_ = true;
  release();
}

void JournalReader::release() noexcept {
  if (!lasts_) return;
  std::uint64_t count = released_.load(std::memory_order_relaxed);
  // `next` before the count tells the keeper that the segment is its own.
  while (first_ != at_ && first_->last_sequence <= applied_) {
    first_ = first_->next.load(std::memory_order_acquire);
    ++count;
  }
  released_.store(count, std::memory_order_release);
}

}  // namespace sluice
