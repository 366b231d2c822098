// Whatever stands in a segment of the usage journal, reading it ends, stays within it, and gives
// records in the order of their sequences.
//
// Few mutated bytes have a CRC that fits, so what is read is the input as it is and, so that the
// fuzzer gets behind the CRC, the input with the right CRC in every slot.

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>

#include "base/assert.h"
#include "store/journal/segment_reader.h"
#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

constexpr std::size_t kBytesMax = 1u << 16;
constexpr std::uint64_t kNumber = 7;

bool fits(std::string_view text, std::size_t bytes_max) {
  return text.size() <= bytes_max || text == kLostText;
}

void check_event(const UsageEvent& event) {
  SL_ASSERT(event.kind >= UsageKind::kStart && event.kind <= UsageKind::kRefused);
  // A text is as long as its slots make it, for all fields alike.
  for (const std::string_view text : {event.request_id, event.account, event.pool, event.client_key,
                                      event.model, event.native_model}) {
    SL_ASSERT(fits(text, kTextBytesMax));
    for (const char c : text) static_cast<void>(*static_cast<const volatile char*>(&c));
  }
}

// `window` slots more may be looked at with each round, as when the segment is being written.
void check(std::span<const std::byte> bytes, std::uint64_t expected, bool is_sure,
           std::uint32_t window) {
  static SegmentReader reader;
  reader.begin(bytes, kNumber, expected, is_sure);
  const auto slots = static_cast<std::uint32_t>(bytes.size() / kSlotBytes);
  std::uint64_t next = expected;
  for (std::uint32_t readable = std::min(slots, window);;) {
    const auto step = reader.next(readable);
    SL_ASSERT(reader.next_slot() <= std::max(readable, 1u));
    if (step == SegmentReader::Step::kRecord) {
      SL_ASSERT(reader.event().sequence >= next);
      next = reader.event().sequence + 1;
      check_event(reader.event());
    } else if (step == SegmentReader::Step::kDamage) {
      const SegmentReader::Damage& damage = reader.damage();
      SL_ASSERT(damage.slots > 0 && damage.first_slot + damage.slots == reader.next_slot());
      SL_ASSERT(damage.first_sequence >= next && damage.last_sequence + 1 >= next);
      next = damage.last_sequence + 1;
    } else if (readable == slots) {
      break;
    } else {
      readable = std::min(slots, readable + window);
    }
  }
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice;
  if (size < kSlotBytes || size > kBytesMax) return 0;
  static GuardedBytes memory(kBytesMax);
  auto* const copy = reinterpret_cast<std::byte*>(memory.room(size));
  std::memcpy(copy, data, size);
  const std::span<const std::byte> bytes(copy, size);
  static_cast<void>(read_header(copy, kNumber));
  check(bytes, 1, true, UINT32_MAX / 2);
  const std::uint32_t seed = segment_seed(kNumber);
  for (std::uint32_t slot = 0; slot < size / kSlotBytes; ++slot) {
    const std::uint32_t crc = slot_crc(copy + slot * kSlotBytes, slot_seed(seed, slot));
    std::memcpy(copy + slot * kSlotBytes, &crc, sizeof(crc));
  }
  const HeaderRead header = read_header(copy, kNumber);
  const bool taken = header.state == HeaderState::kTaken;
  check(bytes, taken ? header.first_sequence : 1, taken, UINT32_MAX / 2);
  check(bytes, 1, false, 3);
  return 0;
}
