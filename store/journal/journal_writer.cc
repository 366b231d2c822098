#include "store/journal/journal_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/assert.h"

namespace sluice {
namespace {

constexpr std::uint64_t largest(unsigned bits) noexcept { return (1ull << bits) - 1; }

// Two fields that stand beside each other in a slot, the first in the lower half.
std::uint64_t halves(std::uint64_t low, std::uint64_t high) noexcept { return low | high << 32; }

std::uint64_t tokens(std::uint64_t low, std::uint64_t high) noexcept {
  return halves(std::min(low, largest(32)), std::min(high, largest(32)));
}

// Bits 32 to 39 of a time, with the part of `sent_ms` that stands beside them.
std::uint64_t time_high(std::uint64_t us, std::uint64_t sent_ms, unsigned part) noexcept {
  return us >> 32 | (sent_ms >> 8 * part & 0xff) << 8;
}

// What stands in a record's slot besides its checksum.
struct Record {
  UsageKind kind;
  std::uint8_t request_id_bytes;
  std::uint64_t sequence;
  std::uint64_t started_by;
  const std::array<std::uint16_t, kNameFields>& names;
  std::string_view request_id;  // that stands in the slot
};

// In whole words: the checksum is taken of words, and a processor that reads one which it has just
// stored in parts waits until all of them have left it.
RecordSlot encode(const Record& record, const UsageEvent& event) noexcept {
  const auto us = [](std::uint64_t time) { return std::min(time, largest(40)); };
  const std::uint64_t latency = us(event.latency_us);
  const std::uint64_t first_token = us(event.first_token_us);
  const std::uint64_t queue = us(event.queue_us);
  const std::uint64_t sent_ms = std::min(event.sent_ms, largest(24));
  const bool starts = record.kind == UsageKind::kStart;
  const auto& names = record.names;
  std::array<std::uint64_t, kSlotBytes / 8> words;
  words[0] =
      halves(0, static_cast<std::uint64_t>(record.kind) |
                    std::uint64_t{record.request_id_bytes} << 8 | std::uint64_t{event.flags} << 16);
  words[1] = record.sequence;
  words[2] = static_cast<std::uint64_t>(event.unix_ms);
  words[3] = record.started_by;
  words[4] = static_cast<std::uint64_t>(event.cost_nano_dollars);
  words[5] = starts ? tokens(event.reserved_tokens, event.client_reserved_tokens)
                    : tokens(event.prompt_tokens, event.completion_tokens);
  words[6] = starts ? 0 : tokens(event.total_tokens, event.cached_read_tokens);
  words[7] = starts ? 0 : tokens(event.cached_write_tokens, event.reasoning_tokens);
  words[8] = halves(event.status | std::uint64_t{event.attempt} << 16,
                    names[0] | std::uint64_t{names[1]} << 16);
  words[9] = halves(names[2] | std::uint64_t{names[3]} << 16,
                    names[4] | time_high(latency, sent_ms, 0) << 16);
  words[10] = halves(time_high(first_token, sent_ms, 1) | time_high(queue, sent_ms, 2) << 16,
                     latency & largest(32));
  words[11] = halves(first_token & largest(32), queue & largest(32));
  std::memset(&words[12], 0, kRequestIdInlineBytes);
  record.request_id.copy(reinterpret_cast<char*>(&words[12]), kRequestIdInlineBytes);
  return std::bit_cast<RecordSlot>(words);
}

// The next append comes a request later: until then the memory of its slots, which nobody has
// touched for long, is the processor's own, and no store of it waits.
void fetch_for_writing(const std::byte* at, std::size_t bytes) noexcept {
  constexpr std::size_t kLineBytes = 64;
  for (std::size_t line = 0; line < bytes; line += kLineBytes) {
#if defined(__x86_64__)
    asm volatile("prefetchw %0" : : "m"(at[line]));  // a processor without it does nothing
#else
    __builtin_prefetch(at + line, 1);
#endif
  }
}

}  // namespace

JournalWriter::JournalWriter(std::uint16_t shard, Segment& first,
                             std::uint64_t next_sequence) noexcept
    : shard_(shard), segment_(&first), last_seen_(&first), next_sequence_(next_sequence) {
  SL_ASSERT(next_sequence > 0);
  enter(first);
}

JournalStart JournalWriter::start(const UsageEvent& event) noexcept {
  JournalStart started;
  if (!has_room_for(2)) {
    refuse();
    return started;
  }
  add_set_aside(kGroupSlotsMax);
  append(event, UsageKind::kStart, started);
  return started;
}

std::uint64_t JournalWriter::end(const UsageEvent& event, JournalStart started) noexcept {
  SL_ASSERT(started.any() && slots_set_aside() >= kGroupSlotsMax);
  add_set_aside(-static_cast<std::int64_t>(kGroupSlotsMax));
  return append(event, UsageKind::kEnd, started);
}

std::uint64_t JournalWriter::refused(const UsageEvent& event) noexcept {
  JournalStart none;
  if (has_room_for(1)) return append(event, UsageKind::kRefused, none);
  refuse();
  return 0;
}

void JournalWriter::refuse() noexcept {
  times_refused_.store(times_refused() + 1, std::memory_order_relaxed);
}

void JournalWriter::add_set_aside(std::int64_t slots) noexcept {
  const std::uint64_t now = set_aside_.load(std::memory_order_relaxed);
  set_aside_.store(now + static_cast<std::uint64_t>(slots), std::memory_order_relaxed);
}

// Room beyond what is set aside. The present segment counts with its free slots less those that may
// be left over at its end. An append takes what it writes from that sum at most, and passing to the
// next segment takes nothing (what is left then counted as zero), so what was set aside stays.
bool JournalWriter::has_room_for(std::uint32_t groups) noexcept {
  constexpr std::uint32_t kLeftOver = kGroupSlotsMax - 1;
  const std::uint32_t here = free_slots() > kLeftOver ? free_slots() - kLeftOver : 0;
  const std::uint64_t wanted = slots_set_aside() + groups * kGroupSlotsMax;
  if (here + slots_ahead_ >= wanted) return true;
  look_ahead();
  return here + slots_ahead_ >= wanted;
}

void JournalWriter::look_ahead() noexcept {
  while (Segment* const next = last_seen_->next.load(std::memory_order_acquire)) {
    slots_ahead_ += usable_slots(next->slots);
    last_seen_ = next;
  }
}

// At least kGroupSlotsMax free slots, which has_room_for() or an end's reserve has promised.
void JournalWriter::make_room() noexcept {
  if (free_slots() < kGroupSlotsMax) {
    look_ahead();
    SL_ASSERT(segment_ != last_seen_);
    leave_segment();
  } else if (segment_->leave.load(std::memory_order_relaxed)) {
    look_ahead();
    // Only when those ahead have room for all that was promised, and for this append.
    if (slots_ahead_ >= slots_set_aside() + kGroupSlotsMax) leave_segment();
  }
}

void JournalWriter::leave_segment() noexcept {
  Segment* const next = segment_->next.load(std::memory_order_acquire);
  segment_->sealed.store(true, std::memory_order_release);
  // From here on the old segment is the reader's, and may be gone.
  slots_ahead_ -= usable_slots(next->slots);
  enter(*next);
}

void JournalWriter::enter(Segment& segment) noexcept {
  SL_ASSERT(segment.slots > kGroupSlotsMax && segment.published.load() == 0);
  segment_ = &segment;
  at_ = 0;
  seed_ = segment_seed(segment.number);
  names_.clear();
  HeaderSlot header{};
  header.kind = kSlotHeader;
  header.version = HeaderSlot::kVersion;
  header.shard = shard_;
  header.first_sequence = next_sequence();
  header.magic = HeaderSlot::kMagic;
  header.segment_number = segment.number;
  header.slots = segment.slots;
  header.slot_bytes = kSlotBytes;
  place_slot(header, slot_bytes(), slot_seed(seed_, at_));
  ++at_;
  segment.published.store(at_, std::memory_order_release);
}

// Of an end `start` is its start's; else it becomes what the event is for its end.
std::uint64_t JournalWriter::append(const UsageEvent& event, UsageKind kind,
                                    JournalStart& start) noexcept {
  make_room();
  const std::uint64_t sequence = next_sequence();
  Record record{.kind = kind,
                .request_id_bytes = kRequestIdInFront,
                .sequence = sequence,
                .started_by = start.sequence,
                .names = start.names,
                .request_id = {}};
  if (start.segment != segment_->number) start.names.fill(kNameInFront);
  const std::string_view texts[kNameFields] = {event.account, event.pool, event.client_key,
                                               event.model, event.native_model};
  for (std::size_t field = 0; field < kNameFields; ++field) {
    if (start.names[field] == kNameInFront)
      start.names[field] = intern(static_cast<TextField>(field), texts[field]);
  }
  const std::string_view id = cut_text(event.request_id, kRequestIdBytesMax);
  if (id.size() <= kRequestIdInlineBytes) {
    record.request_id_bytes = static_cast<std::uint8_t>(id.size());
    record.request_id = id;
  } else {
    write_text(kTargetNextRecord + kRequestId, id);
  }
  place_slot(encode(record, event), slot_bytes(), slot_seed(seed_, at_));
  start.segment = segment_->number;
  start.sequence = sequence;
  ++at_;
  // The texts and the record at once: the reader never sees one without the other.
  segment_->published.store(at_, std::memory_order_release);
  next_sequence_.store(sequence + 1, std::memory_order_relaxed);
  fetch_for_writing(slot_bytes(), std::min<std::size_t>(free_slots(), 2) * kSlotBytes);
  return sequence;
}

std::uint16_t JournalWriter::intern(TextField field, std::string_view text) noexcept {
  if (text.empty()) return kNoName;
  text = cut_text(text, text_bytes_max(field));
  if (names_.is(last_ids_[field], text)) return last_ids_[field];
  const std::uint16_t names_before = names_.size();
  const std::uint16_t id = names_.add_or_find(text);
  if (id == NameTable::kNone) {
    write_text(static_cast<std::uint16_t>(kTargetNextRecord + field), text);
    return kNameInFront;
  }
  if (id == names_before) write_text(id, text);
  last_ids_[field] = id;
  return id;
}

void JournalWriter::write_text(std::uint16_t target, std::string_view text) noexcept {
  for (std::uint8_t kind = kSlotText; !text.empty(); kind = kSlotTextRest) {
    const std::string_view part = text.substr(0, kTextSlotBytes);
    text.remove_prefix(part.size());
    TextSlot slot{};
    slot.kind = kind;
    slot.bytes = static_cast<std::uint8_t>(part.size() | (text.empty() ? 0 : TextSlot::kContinued));
    slot.target = target;
    slot.sequence = next_sequence();
    std::memcpy(slot.text, part.data(), part.size());
    place_slot(slot, slot_bytes(), slot_seed(seed_, at_));
    ++at_;
  }
}

}  // namespace sluice
