#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "store/journal/crc32c.h"

namespace sluice {

// A segment of the journal is an array of slots, all of one size, so that a reader finds the next
// slot behind a damaged one, and a slot never crosses a page. 128 bytes: an end with all its
// numbers and a request id of 32 bytes (a UUID without dashes, what most clients send) fills one
// exactly. docs/JOURNAL.md has the layout as a table. Little-endian, as the machine writes it.
inline constexpr std::size_t kSlotBytes = 128;

// What a slot holds. 1 to 3 are the values of UsageKind; 0 is a slot that nobody has written.
inline constexpr std::uint8_t kSlotRecordMax = 3;
inline constexpr std::uint8_t kSlotText = 16;      // a text of the next record, or its first part
inline constexpr std::uint8_t kSlotHeader = 17;    // the first slot of a segment
inline constexpr std::uint8_t kSlotTextRest = 18;  // the text of the slot before goes on

// How long texts may be; longer ones are cut (at the front of a UTF-8 character). Names of the
// configuration have at most 64 bytes, so one text slot always takes them.
inline constexpr std::size_t kTextSlotBytes = 112;
inline constexpr std::size_t kConfiguredNameBytesMax = kTextSlotBytes;
inline constexpr std::size_t kModelBytesMax = 256;  // clients choose it
inline constexpr std::size_t kRequestIdBytesMax = 128;
inline constexpr std::size_t kRequestIdInlineBytes = 32;
inline constexpr std::size_t kTextBytesMax = kModelBytesMax;  // the longest of them all

// The texts of a record that are interned, in the order of RecordSlot::names.
enum TextField : std::uint8_t { kAccount, kPool, kClientKey, kModel, kNativeModel, kRequestId };
inline constexpr std::size_t kNameFields = 5;  // all but the request id
inline constexpr std::size_t kTextFields = 6;

[[nodiscard]] constexpr std::size_t text_bytes_max(std::size_t field) noexcept {
  if (field == kModel || field == kNativeModel) return kModelBytesMax;
  return field == kRequestId ? kRequestIdBytesMax : kConfiguredNameBytesMax;
}

[[nodiscard]] constexpr std::size_t text_slots(std::size_t bytes) noexcept {
  return (bytes + kTextSlotBytes - 1) / kTextSlotBytes;
}

// The slots of the longest record with all its texts: what one append may take at most.
inline constexpr std::uint32_t kGroupSlotsMax = [] {
  std::size_t slots = 1;
  for (std::size_t field = 0; field < kTextFields; ++field)
    slots += text_slots(text_bytes_max(field));
  return static_cast<std::uint32_t>(slots);
}();
static_assert(kGroupSlotsMax == 12);

// What RecordSlot::names holds besides ids of the segment's name table
// (store/journal/name_table.h).
inline constexpr std::uint16_t kNoName = 0xffff;       // the text is empty
inline constexpr std::uint16_t kNameInFront = 0xfffe;  // it stands in text slots before the record
// TextSlot::target of a text that belongs to the next record only: this plus its TextField.
inline constexpr std::uint16_t kTargetNextRecord = 0xff00;
inline constexpr std::uint8_t kRequestIdInFront = 0xff;  // RecordSlot::request_id_bytes

// SlotStart - the 16 bytes with which every slot begins.
struct SlotStart {
  std::uint32_t crc;  // of all that follows, continued from slot_seed()
  std::uint8_t kind;
  std::uint8_t detail;  // of the kind
  std::uint16_t more;   // of the kind
  std::uint64_t sequence;
};

// TimeHigh - of one of RecordSlot's three times bits 32 to 39, and a part of its fourth.
struct TimeHigh {
  std::uint8_t us;       // of latency, first token, queue
  std::uint8_t sent_ms;  // bits 0 to 7, 8 to 15, 16 to 23; zeros in journals of earlier versions
};

// RecordSlot - a start, an end or a refusal. Numbers too large for their field are stored as its
// largest value: 2^32 - 1 tokens, 2^40 - 1 us (12.7 days), 2^24 - 1 ms (4.6 hours).
struct RecordSlot {
  std::uint32_t crc;
  std::uint8_t kind;
  std::uint8_t request_id_bytes;  // in this slot; kRequestIdInFront: in text slots before it
  std::uint16_t flags;
  std::uint64_t sequence;
  std::int64_t unix_ms;
  std::uint64_t started_by;
  std::int64_t cost_nano_dollars;
  std::uint32_t tokens[6];  // in the order of UsageEvent; of a start the two that are reserved
  std::uint16_t status;
  std::uint16_t attempt;
  std::uint16_t names[kNameFields];
  TimeHigh times_high[3];
  std::uint32_t time_us_low[3];  // latency, first token, queue: bits 0 to 31
  char request_id[kRequestIdInlineBytes];
};

// TextSlot - a text that the next record refers to, or a part of it.
struct TextSlot {
  static constexpr std::uint8_t kContinued = 0x80;  // the next slot has more of the same text

  std::uint32_t crc;
  std::uint8_t kind;
  std::uint8_t bytes;    // in this slot, with kContinued
  std::uint16_t target;  // an id that this text gets in this segment, or kTargetNextRecord + field
  std::uint64_t sequence;  // of the record that follows
  char text[kTextSlotBytes];
};

// HeaderSlot - the first slot of a segment, written when the shard takes the segment into use. One
// that is all zeros has never been taken.
struct HeaderSlot {
  static constexpr std::uint64_t kMagic = 0x0a4c'4e4a'4543'4c53;  // "SLCEJNL\n" in the file
  static constexpr std::uint8_t kVersion = 1;

  std::uint32_t crc;
  std::uint8_t kind;
  std::uint8_t version;
  std::uint16_t shard;
  std::uint64_t first_sequence;  // of the first record in it
  std::uint64_t magic;
  std::uint64_t segment_number;
  std::uint32_t slots;  // with this one
  std::uint32_t slot_bytes;
  std::uint8_t zero[88];
};

template <class Slot>
inline constexpr bool kIsSlot =
    sizeof(Slot) == kSlotBytes&& std::is_trivially_copyable_v<
                        Slot>&& std::has_unique_object_representations_v<Slot>;
static_assert(kIsSlot<RecordSlot> && kIsSlot<TextSlot> && kIsSlot<HeaderSlot>);

// What the CRC of slot `index` of segment `number` continues from. Different for every number
// (below 2^32) and every index of one number, so a slot left from what the file was before it was
// recycled, or at another place, never passes.
[[nodiscard]] inline std::uint32_t segment_seed(std::uint64_t number) noexcept {
  return crc32c(&number, sizeof(number));
}
[[nodiscard]] inline std::uint32_t slot_seed(std::uint32_t segment, std::uint32_t index) noexcept {
  return segment ^ index;
}

[[nodiscard]] inline std::uint32_t slot_crc(const std::byte* slot, std::uint32_t seed) noexcept {
  return crc32c(slot + sizeof(std::uint32_t), kSlotBytes - sizeof(std::uint32_t), seed);
}

// The number of the segment that a slot at this place was written for: nothing says that it was,
// but of bytes that were not any number of 32 bits may come out.
[[nodiscard]] inline std::uint32_t slot_segment(const std::byte* slot,
                                                std::uint32_t index) noexcept {
  constexpr std::uint64_t kZeros = 0;
  std::uint32_t crc;
  std::memcpy(&crc, slot, sizeof(crc));
  const std::uint32_t seed =
      crc32c_before(slot + sizeof(crc), kSlotBytes - sizeof(crc), crc) ^ index;
  // A CRC that begins with 0 takes the number's bits as if it had begun with them.
  return crc32c_before(&kZeros, sizeof(kZeros), seed);
}

// Copies `slot` to `to` and gives it its checksum there, in one piece from the processor's view of
// order only: what publishes it is the segment's count (store/journal/segment.h).
template <class Slot>
void place_slot(const Slot& slot, std::byte* to, std::uint32_t seed) noexcept {
  static_assert(kIsSlot<Slot> && offsetof(Slot, crc) == 0);
  const std::uint32_t crc = slot_crc(reinterpret_cast<const std::byte*>(&slot), seed);
  std::memcpy(to, &slot, kSlotBytes);
  std::memcpy(to, &crc, sizeof(crc));
}

template <class Slot>
[[nodiscard]] Slot slot_at(const std::byte* from) noexcept {
  Slot slot;
  static_assert(kIsSlot<Slot>);
  std::memcpy(&slot, from, kSlotBytes);
  return slot;
}

[[nodiscard]] inline SlotStart slot_start(const std::byte* from) noexcept {
  SlotStart start;
  std::memcpy(&start, from, sizeof(start));
  return start;
}

// `text` as it is stored: cut to `bytes_max`, and then not within a UTF-8 character.
[[nodiscard]] inline std::string_view cut_text(std::string_view text,
                                               std::size_t bytes_max) noexcept {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  constexpr std::size_t kCharacterBytesMax = 4;
  while (end > bytes_max - (kCharacterBytesMax - 1) &&
         (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

}  // namespace sluice
