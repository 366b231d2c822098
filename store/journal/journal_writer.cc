#include "store/journal/journal_writer.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace sluice {
namespace {

std::uint32_t clamp_tokens(std::uint64_t tokens) noexcept {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(tokens, UINT32_MAX));
}

void set_time(RecordSlot& slot, std::size_t field, std::uint64_t us) noexcept {
  constexpr std::uint64_t kLargest = (1ull << 40) - 1;
  us = std::min(us, kLargest);
  slot.time_us_low[field] = static_cast<std::uint32_t>(us);
  slot.times_high[field].us = static_cast<std::uint8_t>(us >> 32);
}

void set_sent(RecordSlot& slot, std::uint64_t ms) noexcept {
  constexpr std::uint64_t kLargest = (1ull << 24) - 1;
  ms = std::min(ms, kLargest);
  for (TimeHigh& part : slot.times_high) {
    part.sent_ms = static_cast<std::uint8_t>(ms);
    ms >>= 8;
  }
}

void set_tokens(RecordSlot& slot, const UsageEvent& event, UsageKind kind) noexcept {
  std::memset(slot.tokens, 0, sizeof(slot.tokens));
  if (kind == UsageKind::kStart) {
    slot.tokens[0] = clamp_tokens(event.reserved_tokens);
    slot.tokens[1] = clamp_tokens(event.client_reserved_tokens);
    return;
  }
  slot.tokens[0] = clamp_tokens(event.prompt_tokens);
  slot.tokens[1] = clamp_tokens(event.completion_tokens);
  slot.tokens[2] = clamp_tokens(event.total_tokens);
  slot.tokens[3] = clamp_tokens(event.cached_read_tokens);
  slot.tokens[4] = clamp_tokens(event.cached_write_tokens);
  slot.tokens[5] = clamp_tokens(event.reasoning_tokens);
}

// All but the texts and the checksum.
void set_numbers(RecordSlot& slot, const UsageEvent& event, UsageKind kind) noexcept {
  slot.flags = event.flags;
  slot.unix_ms = event.unix_ms;
  slot.cost_nano_dollars = event.cost_nano_dollars;
  set_tokens(slot, event, kind);
  slot.status = event.status;
  slot.attempt = event.attempt;
  set_time(slot, 0, event.latency_us);
  set_time(slot, 1, event.first_token_us);
  set_time(slot, 2, event.queue_us);
  set_sent(slot, event.sent_ms);
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
  RecordSlot slot;  // set below, all of it
  slot.kind = static_cast<std::uint8_t>(kind);
  const std::uint64_t sequence = next_sequence();
  slot.sequence = sequence;
  slot.started_by = start.sequence;
  set_numbers(slot, event, kind);
  if (start.segment != segment_->number) start.names.fill(kNameInFront);
  const std::string_view texts[kNameFields] = {event.account, event.pool, event.client_key,
                                               event.model, event.native_model};
  for (std::size_t field = 0; field < kNameFields; ++field) {
    if (start.names[field] == kNameInFront)
      start.names[field] = intern(static_cast<TextField>(field), texts[field]);
    slot.names[field] = start.names[field];
  }
  start.segment = segment_->number;
  start.sequence = sequence;
  std::memset(slot.request_id, 0, sizeof(slot.request_id));
  const std::string_view id = cut_text(event.request_id, kRequestIdBytesMax);
  if (id.size() <= kRequestIdInlineBytes) {
    slot.request_id_bytes = static_cast<std::uint8_t>(id.size());
    if (!id.empty()) std::memcpy(slot.request_id, id.data(), id.size());
  } else {
    slot.request_id_bytes = kRequestIdInFront;
    write_text(kTargetNextRecord + kRequestId, id);
  }
  place_slot(slot, slot_bytes(), slot_seed(seed_, at_));
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
