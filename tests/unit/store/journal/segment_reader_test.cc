#include "store/journal/segment_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/unit/store/journal/journal_fixture.h"

namespace sluice {
namespace {

// Written - a segment with random events, and where each of its records ends.
struct Written {
  Written(std::uint64_t seed, std::uint32_t slots, std::uint64_t number = 1)
      : memory(slots, number), writer(0, memory.segment, 1) {
    Prng random(seed);
    for (;;) {
      OwnedEvent event = random_event(random);
      const std::uint64_t sequence = writer.refused(event.view());
      if (sequence == 0) break;
      event.event.sequence = sequence;
      event.event.kind = UsageKind::kRefused;
      events.push_back(event);
      ends.push_back(memory.segment.published.load());
    }
  }
  // How many records lie wholly in the first `bytes`.
  [[nodiscard]] std::size_t records_within(std::size_t bytes) const {
    return static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), bytes / kSlotBytes) -
                                    ends.begin());
  }

  MemorySegment memory;
  JournalWriter writer;
  std::vector<OwnedEvent> events;
  std::vector<std::size_t> ends;  // in slots
};

void expect_the_first(const SegmentContent& content, const Written& written, std::size_t count,
                      const char* what, std::size_t at) {
  ASSERT_GE(content.events.size(), count) << what << " " << at;
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(content.events[i], written.events[i]) << at;
}

// Whatever else is read was written, as far as its texts are not lost.
void expect_nothing_invented(const SegmentContent& content, const Written& written) {
  std::uint64_t last = 0;
  for (const OwnedEvent& event : content.events) {
    const std::uint64_t sequence = event.event.sequence;
    ASSERT_GT(sequence, last);
    last = sequence;
    ASSERT_LE(sequence, written.events.size());
    const OwnedEvent& original = written.events[sequence - 1];
    ASSERT_EQ(event.event.prompt_tokens, original.event.prompt_tokens);
    for (const auto text : {&OwnedEvent::request_id, &OwnedEvent::account, &OwnedEvent::pool,
                            &OwnedEvent::client_key, &OwnedEvent::model, &OwnedEvent::native_model})
      ASSERT_TRUE(event.*text == original.*text || event.*text == kLostText);
  }
}

TEST(SegmentReader, ACutFileHasAllRecordsBeforeTheCut) {
  const auto written = std::make_unique<Written>(1, 160);
  for (std::size_t bytes = kSlotBytes; bytes <= written->memory.memory.size(); bytes += 32) {
    std::vector<std::byte> copy = written->memory.memory;
    copy.resize(bytes);
    const SegmentContent content = read_segment(copy, 1);
    expect_the_first(content, *written, written->records_within(bytes), "cut", bytes);
    ASSERT_EQ(content.events.size(), written->records_within(bytes));
    ASSERT_TRUE(content.damage.empty());
  }
}

// As when the process dies while it writes: zeros from there on.
TEST(SegmentReader, AFileOfZerosFromAnyByteOnHasAllRecordsBefore) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Prng random(seed);
    const auto written =
        std::make_unique<Written>(seed, static_cast<std::uint32_t>(32 + random.below(200)));
    for (int i = 0; i < 60; ++i) {
      std::vector<std::byte> copy = written->memory.memory;
      const std::size_t from = kSlotBytes + random.below(copy.size() - kSlotBytes);
      // A slot that ends in zeros is whole without them.
      std::fill(copy.begin() + static_cast<std::ptrdiff_t>(from), copy.end(), std::byte{});
      const SegmentContent content = read_segment(copy, 1);
      expect_the_first(content, *written, written->records_within(from), "zeros from", from);
      ASSERT_LE(content.events.size(), written->records_within(from) + 1);
      expect_nothing_invented(content, *written);
    }
  }
}

TEST(SegmentReader, ADamagedSlotIsReportedAndTheOthersAreRead) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Prng random(seed);
    const auto written = std::make_unique<Written>(seed, 100);
    const std::size_t used = written->memory.segment.published.load();
    for (std::size_t slot = 1; slot < used; ++slot) {
      std::vector<std::byte> copy = written->memory.memory;
      copy[slot * kSlotBytes + random.below(kSlotBytes)] ^= std::byte{1} << random.below(8);
      const SegmentContent content = read_segment(copy, 1);
      expect_nothing_invented(content, *written);
      const bool hits_record = std::ranges::count(written->ends, slot + 1) == 1;
      ASSERT_EQ(content.events.size(), written->events.size() - (hits_record ? 1 : 0));
      if (slot + 1 == used) continue;  // a torn end
      ASSERT_EQ(content.damage.size(), 1);
      const SegmentReader::Damage& damage = content.damage[0];
      ASSERT_EQ(damage.first_slot, slot);
      ASSERT_EQ(damage.slots, 1);
      ASSERT_EQ(damage.last_sequence + 1 - damage.first_sequence, hits_record ? 1 : 0);
    }
  }
}

TEST(SegmentReader, ManyDamagedBytesInventNothing) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Prng random(seed);
    const auto written = std::make_unique<Written>(seed, 64);
    std::vector<std::byte> copy = written->memory.memory;
    for (std::uint64_t i = random.below(40) + 1; i > 0; --i)
      copy[random.below(copy.size())] = static_cast<std::byte>(random.next());
    if (random.below(2) == 0)  // a slot at another place is no slot
      std::copy_n(copy.begin() + 128 * 3, 128, copy.begin() + 128 * 5);
    expect_nothing_invented(read_segment(copy, 1), *written);
  }
}

TEST(SegmentReader, ASlotAtAnotherPlaceIsNotTaken) {
  const auto written = std::make_unique<Written>(5, 64);
  std::vector<std::byte> copy = written->memory.memory;
  const auto end = copy.begin() + static_cast<std::ptrdiff_t>(written->ends.back() * kSlotBytes);
  ASSERT_LT(end, copy.end());
  std::copy_n(end - kSlotBytes, kSlotBytes, end);
  EXPECT_EQ(read_segment(copy, 1).events.size(), written->events.size());
}

TEST(SegmentReader, NothingOfAFileUsedBeforePasses) {
  const auto old = std::make_unique<Written>(1, 128, 41);
  std::vector<std::byte> bytes = old->memory.memory;
  EXPECT_EQ(read_header(bytes.data(), 42).state, HeaderState::kNeverTaken);
  EXPECT_TRUE(read_segment(bytes, 42).events.empty());
  std::fill_n(bytes.begin(), kSlotBytes, std::byte{});
  EXPECT_TRUE(read_segment(bytes, 42).events.empty());

  // The same events under the new number up to the middle, the old ones behind.
  Prng random(1);
  const auto fresh = std::make_unique<MemorySegment>(128, 42);
  const auto writer = std::make_unique<JournalWriter>(0, fresh->segment, 1);
  for (int i = 0; i < 10; ++i) ASSERT_NE(writer->refused(random_event(random).view()), 0);
  const std::size_t used = fresh->segment.published.load() * kSlotBytes;
  std::copy_n(fresh->memory.begin(), used, bytes.begin());
  const SegmentContent content = read_segment(bytes, 42);
  EXPECT_EQ(content.events.size(), 10);
  EXPECT_TRUE(content.damage.empty());
}

// The tail of a segment that is read to its end.
SegmentReader::Tail tail_of(std::span<const std::byte> bytes, std::uint64_t number) {
  const auto reader = std::make_unique<SegmentReader>();
  reader->begin(bytes, number, 1, false);
  const auto slots = static_cast<std::uint32_t>(bytes.size() / kSlotBytes);
  while (reader->next(slots) != SegmentReader::Step::kEnd) {
  }
  return reader->tail(slots);
}

TEST(SegmentReader, ASlotTellsTheSegmentItWasWrittenFor) {
  for (const std::uint64_t number : {1U, 41U, 70'000U, 0xffff'fff0U}) {
    const auto written = std::make_unique<Written>(2, 64, number);
    for (std::uint32_t slot = 0; slot < written->memory.segment.published.load(); ++slot)
      ASSERT_EQ(slot_segment(written->memory.memory.data() + slot * kSlotBytes, slot), number);
  }
}

TEST(SegmentReader, ATailIsWhatIsNeitherBlankNorLeftOverNorOneTornRecord) {
  const auto written = std::make_unique<Written>(4, 128, 42);
  const std::vector<std::byte>& whole = written->memory.memory;
  EXPECT_EQ(tail_of(whole, 42).slots, 0U);
  // Half of it, and zeros behind: as allocated.
  const auto half = static_cast<std::uint32_t>(written->ends[written->ends.size() / 2]);
  std::vector<std::byte> copy = whole;
  const auto from = [&copy](std::uint32_t slot) {
    return copy.begin() + static_cast<std::ptrdiff_t>(slot * kSlotBytes);
  };
  std::fill(from(half), copy.end(), std::byte{});
  EXPECT_EQ(tail_of(copy, 42).slots, 0U);
  // The file was another one before.
  const auto old = std::make_unique<Written>(5, 128, 7);
  std::copy(old->memory.memory.begin() + (from(half) - copy.begin()), old->memory.memory.end(),
            from(half));
  EXPECT_EQ(tail_of(copy, 42).slots, 0U);
  // A record that was being written.
  std::fill_n(from(half) + 60, 20, std::byte{0x5a});
  EXPECT_EQ(tail_of(copy, 42).slots, 0U);
  // More than that.
  std::fill_n(from(half + 2) + 60, 20, std::byte{0x5a});
  const SegmentReader::Tail tail = tail_of(copy, 42);
  EXPECT_EQ(tail.slots, 2U);
  EXPECT_EQ(tail.first_slot, half);
  EXPECT_EQ(tail.last_slot, half + 2);
}

TEST(SegmentReader, ADamagedHeaderDoesNotHideTheRecords) {
  const auto written = std::make_unique<Written>(3, 64);
  std::vector<std::byte> copy = written->memory.memory;
  copy[40] ^= std::byte{1};
  EXPECT_EQ(read_header(copy.data(), 1).state, HeaderState::kDamaged);
  EXPECT_EQ(read_segment(copy, 1).events, written->events);
}

TEST(SegmentReader, TellsAHeaderOfAnotherVersion) {
  const auto written = std::make_unique<Written>(3, 64);
  std::vector<std::byte> copy = written->memory.memory;
  EXPECT_EQ(read_header(copy.data(), 1).state, HeaderState::kTaken);
  EXPECT_EQ(read_header(copy.data(), 1).first_sequence, 1);
  copy[5] = std::byte{2};
  EXPECT_EQ(read_header(copy.data(), 1).state, HeaderState::kOtherVersion);
  EXPECT_EQ(read_header(copy.data(), 1).version, 2);
}

}  // namespace
}  // namespace sluice
