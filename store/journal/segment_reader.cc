#include "store/journal/segment_reader.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace sluice {
namespace {

std::uint64_t time_of(const RecordSlot& slot, std::size_t field) noexcept {
  return (std::uint64_t{slot.times_high[field].us} << 32) | slot.time_us_low[field];
}

void get_tokens(const RecordSlot& slot, UsageEvent& event) noexcept {
  const bool is_start = event.kind == UsageKind::kStart;
  event.reserved_tokens = is_start ? slot.tokens[0] : 0;
  event.client_reserved_tokens = is_start ? slot.tokens[1] : 0;
  event.prompt_tokens = is_start ? 0 : slot.tokens[0];
  event.completion_tokens = is_start ? 0 : slot.tokens[1];
  event.total_tokens = slot.tokens[2];
  event.cached_read_tokens = slot.tokens[3];
  event.cached_write_tokens = slot.tokens[4];
  event.reasoning_tokens = slot.tokens[5];
}

void get_numbers(const RecordSlot& slot, UsageEvent& event) noexcept {
  event.kind = static_cast<UsageKind>(slot.kind);
  event.flags = slot.flags;
  event.status = slot.status;
  event.attempt = slot.attempt;
  event.sequence = slot.sequence;
  event.started_by = slot.started_by;
  event.unix_ms = slot.unix_ms;
  get_tokens(slot, event);
  event.cost_nano_dollars = slot.cost_nano_dollars;
  event.latency_us = time_of(slot, 0);
  event.first_token_us = time_of(slot, 1);
  event.queue_us = time_of(slot, 2);
  event.sent_ms = 0;
  for (int part = 2; part >= 0; --part)
    event.sent_ms = event.sent_ms << 8 | slot.times_high[part].sent_ms;
}

bool is_record(std::uint8_t kind) noexcept { return kind >= 1 && kind <= kSlotRecordMax; }

bool is_text(std::uint8_t kind) noexcept { return kind == kSlotText || kind == kSlotTextRest; }

}  // namespace

bool is_blank(std::span<const std::byte> bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{}; });
}

HeaderRead read_header(const std::byte* slot, std::uint64_t segment_number) noexcept {
  const auto header = slot_at<HeaderSlot>(slot);
  if (is_blank({slot, kSlotBytes})) return {};
  if (header.magic == HeaderSlot::kMagic && header.version != HeaderSlot::kVersion)
    return {HeaderState::kOtherVersion, header.version, 0};
  const std::uint64_t number =
      header.magic == HeaderSlot::kMagic ? header.segment_number : segment_number;
  const bool valid = slot_crc(slot, slot_seed(segment_seed(number), 0)) == header.crc &&
                     header.kind == kSlotHeader && header.magic == HeaderSlot::kMagic &&
                     header.slot_bytes == kSlotBytes && header.first_sequence > 0;
  if (!valid) return {HeaderState::kDamaged, 0, 0};
  if (number != segment_number) return {};
  return {HeaderState::kTaken, header.version, header.first_sequence};
}

void SegmentReader::begin(std::span<const std::byte> bytes, std::uint64_t number,
                          std::uint64_t expected, bool is_sure) noexcept {
  bytes_ = bytes;
  number_ = number;
  seed_ = segment_seed(number);
  at_ = 1;
  expected_ = expected;
  is_sure_ = is_sure;
  names_.clear();
  forget_texts();
}

SegmentReader::Step SegmentReader::next(std::uint32_t readable) noexcept {
  SL_ASSERT(readable <= bytes_.size() / kSlotBytes);
  while (at_ < readable) {
    if (!is_valid(at_)) return find_valid(readable) ? Step::kDamage : Step::kEnd;
    const auto start = slot_start(slot_bytes(at_));
    is_sure_ = true;
    expected_ = start.sequence;
    if (is_text(start.kind)) {
      take_text();
      ++at_;
      continue;
    }
    take_record();
    ++at_;
    ++expected_;
    return Step::kRecord;
  }
  return Step::kEnd;
}

// By its CRC, its kind and a sequence that can be there: each slot between the last valid one and
// this one holds one record at most.
bool SegmentReader::is_valid(std::uint32_t slot) const noexcept {
  const auto start = slot_start(slot_bytes(slot));
  if (!is_record(start.kind) && !is_text(start.kind)) return false;
  if (start.sequence < expected_) return false;
  if (is_sure_ && start.sequence - expected_ > slot - at_) return false;
  return slot_crc(slot_bytes(slot), slot_seed(seed_, slot)) == start.crc;
}

bool SegmentReader::find_valid(std::uint32_t readable) noexcept {
  for (std::uint32_t slot = at_ + 1; slot < readable; ++slot) {
    if (!is_valid(slot)) continue;
    const std::uint64_t sequence = slot_start(slot_bytes(slot)).sequence;
    damage_ = {at_, slot - at_, expected_, sequence - 1};
    at_ = slot;
    expected_ = sequence;
    forget_texts();
    return true;
  }
  return false;
}

SegmentReader::Tail SegmentReader::tail(std::uint32_t readable) const noexcept {
  Tail tail;
  for (std::uint32_t slot = at_; slot < readable; ++slot) {
    if (is_blank({slot_bytes(slot), kSlotBytes}) || is_left_over(slot)) continue;
    if (tail.slots == 0) tail.first_slot = slot;
    tail.last_slot = slot;
    ++tail.slots;
  }
  const bool torn = tail.slots == 1 && tail.first_slot == at_;
  return torn ? Tail{} : tail;
}

// Of what the file was before it was used again: then it had a lower number.
bool SegmentReader::is_left_over(std::uint32_t slot) const noexcept {
  const std::uint32_t number = slot_segment(slot_bytes(slot), slot);
  return number > 0 && number < number_;
}

void SegmentReader::take_text() noexcept {
  const auto slot = slot_at<TextSlot>(slot_bytes(at_));
  if (slot.kind == kSlotText) {
    part_.size = 0;
    part_.present = true;
    part_of_ = slot.target;
  }
  if (!part_.present || part_of_ != slot.target) return;  // its beginning is lost
  const std::size_t told = slot.bytes & ~unsigned{TextSlot::kContinued};
  const std::size_t bytes = std::min({told, kTextSlotBytes, kTextBytesMax - part_.size});
  std::memcpy(part_.bytes + part_.size, slot.text, bytes);
  part_.size += bytes;
  if ((slot.bytes & TextSlot::kContinued) == 0) finish_text(slot.target);
}

void SegmentReader::finish_text(std::uint16_t target) noexcept {
  part_.present = false;
  if (target < NameTable::kNames) {
    names_.define(target, {part_.bytes, part_.size});
    return;
  }
  const unsigned field = static_cast<unsigned>(target) - kTargetNextRecord;
  if (target < kTargetNextRecord || field >= kTextFields) return;
  Text& text = texts_[field];
  std::memcpy(text.bytes, part_.bytes, part_.size);
  text.size = part_.size;
  text.present = true;
}

void SegmentReader::take_record() noexcept {
  record_ = slot_at<RecordSlot>(slot_bytes(at_));
  get_numbers(record_, event_);
  event_.account = name(record_.names[kAccount], kAccount);
  event_.pool = name(record_.names[kPool], kPool);
  event_.client_key = name(record_.names[kClientKey], kClientKey);
  event_.model = name(record_.names[kModel], kModel);
  event_.native_model = name(record_.names[kNativeModel], kNativeModel);
  event_.request_id =
      record_.request_id_bytes == kRequestIdInFront
          ? text_in_front(kRequestId)
          : std::string_view(record_.request_id, std::min<std::size_t>(record_.request_id_bytes,
                                                                       kRequestIdInlineBytes));
  forget_texts();
}

// What was read stays where it is until the next text comes.
void SegmentReader::forget_texts() noexcept {
  part_.present = false;
  for (Text& text : texts_) text.present = false;
}

std::string_view SegmentReader::name(std::uint16_t id, TextField field) const noexcept {
  if (id == kNoName) return {};
  if (id == kNameInFront) return text_in_front(field);
  return names_.name_of(id).value_or(kLostText);
}

std::string_view SegmentReader::text_in_front(TextField field) const noexcept {
  const Text& text = texts_[field];
  return text.present ? std::string_view(text.bytes, text.size) : kLostText;
}

}  // namespace sluice
