#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "store/journal/name_table.h"
#include "store/journal/slot.h"
#include "store/usage_event.h"

namespace sluice {

// What a text was that stood in a slot that cannot be read any more.
inline constexpr std::string_view kLostText = "(lost)";

// What a header that can be read says, and one that cannot.
enum class HeaderState : std::uint8_t {
  kTaken,         // valid: records from first_sequence on
  kNeverTaken,    // all zeros, or of what the file was before: prepared, not used
  kDamaged,       // neither
  kOtherVersion,  // a journal, but not one that this program reads
};
struct HeaderRead {
  HeaderState state = HeaderState::kNeverTaken;
  std::uint8_t version = 0;
  std::uint64_t first_sequence = 0;  // kTaken
};
// Whether nobody has written there.
[[nodiscard]] bool is_blank(std::span<const std::byte> bytes) noexcept;
// `slot` has kSlotBytes bytes.
[[nodiscard]] HeaderRead read_header(const std::byte* slot, std::uint64_t segment_number) noexcept;

// SegmentReader - the slots of one segment as usage events. Pure: it is given bytes and how many
// slots of them may be looked at, and tells what is in them.
//
// A slot is valid when its CRC fits and its sequence is the next. Behind an invalid one it looks
// for a valid one with a sequence that is possible there: if there is one, what lies between is
// damage, otherwise here is the end (for now, in a segment that is being written).
//
// Owns      the names of the segment and the texts of the present record.
// Affinity  one thread.
// Lifetime  texts of event() until the next call.
class SegmentReader {
 public:
  enum class Step : std::uint8_t {
    kRecord,  // event() has it
    kDamage,  // damage() says what cannot be read; the next step goes on behind it
    kEnd,     // nothing more in these slots
  };

  // Slots that cannot be read, and the records that were in them: from first_sequence to
  // last_sequence, none when that is smaller (then only names were in them).
  struct Damage {
    std::uint32_t first_slot;
    std::uint32_t slots;
    std::uint64_t first_sequence;
    std::uint64_t last_sequence;
  };

  // Slots behind the last valid one that hold something: neither nothing nor what the file was used
  // for before. From first_slot to last_slot so many.
  struct Tail {
    std::uint32_t first_slot = 0;
    std::uint32_t last_slot = 0;
    std::uint32_t slots = 0;
  };

  // Begins with the first record of a segment. `expected` is its sequence, as the header tells;
  // with `is_sure` false (the header is damaged) any sequence from there on will do.
  void begin(std::span<const std::byte> bytes, std::uint64_t number, std::uint64_t expected,
             bool is_sure) noexcept;

  // Looks at the first `readable` slots of the segment. Linear in all calls together, but for the
  // slots behind an invalid one with nothing after it, which each call looks at again.
  [[nodiscard]] Step next(std::uint32_t readable) noexcept;

  // Of a segment that is written no more, once next() has said kEnd. One slot alone at its begin is
  // a record that was being written as a process died: none.
  [[nodiscard]] Tail tail(std::uint32_t readable) const noexcept;

  [[nodiscard]] const UsageEvent& event() const noexcept { return event_; }
  [[nodiscard]] const Damage& damage() const noexcept { return damage_; }
  // Of the next record; only a guess as long as nothing valid has told it.
  [[nodiscard]] bool is_sure() const noexcept { return is_sure_; }
  [[nodiscard]] std::uint64_t expected_sequence() const noexcept { return expected_; }
  [[nodiscard]] std::uint32_t next_slot() const noexcept { return at_; }

 private:
  // Text - one text of the next record, put together from its slots.
  struct Text {
    char bytes[kTextBytesMax];
    std::size_t size = 0;
    bool present = false;
  };

  [[nodiscard]] bool is_left_over(std::uint32_t slot) const noexcept;
  [[nodiscard]] bool is_valid(std::uint32_t slot) const noexcept;
  [[nodiscard]] bool find_valid(std::uint32_t readable) noexcept;
  [[nodiscard]] const std::byte* slot_bytes(std::uint32_t slot) const noexcept {
    return bytes_.data() + slot * kSlotBytes;
  }
  void take_text() noexcept;
  void finish_text(std::uint16_t target) noexcept;
  void take_record() noexcept;
  void forget_texts() noexcept;
  [[nodiscard]] std::string_view name(std::uint16_t id, TextField field) const noexcept;
  [[nodiscard]] std::string_view text_in_front(TextField field) const noexcept;

  std::span<const std::byte> bytes_;
  std::uint64_t number_ = 0;
  std::uint32_t seed_ = 0;
  std::uint32_t at_ = 0;
  std::uint64_t expected_ = 0;
  bool is_sure_ = true;
  RecordSlot record_{};
  UsageEvent event_;
  Damage damage_{};
  Text part_;                  // the text whose slots are being read
  std::uint16_t part_of_ = 0;  // its target, while part_.present
  Text texts_[kTextFields];    // of the next record
  NameTable names_;
};

}  // namespace sluice
