#include "store/journal/journal_writer.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <vector>

#include "tests/unit/store/journal/journal_fixture.h"

namespace sluice {
namespace {

constexpr std::uint32_t kSlots = 64;

// Chain - segments linked for a writer, as the keeper does it.
struct Chain {
  explicit Chain(std::uint32_t slots = kSlots) : first(add(slots)), writer(0, first, 1) {}

  Segment& add(std::uint32_t slots = kSlots) {
    segments.push_back(std::make_unique<MemorySegment>(slots, segments.size() + 1));
    Segment& added = segments.back()->segment;
    if (segments.size() > 1) segments[segments.size() - 2]->segment.next.store(&added);
    return added;
  }
  [[nodiscard]] std::vector<OwnedEvent> read() const {
    std::vector<OwnedEvent> out;
    for (const auto& segment : segments) {
      SegmentContent content = read_segment(segment->memory, segment->segment.number);
      EXPECT_TRUE(content.damage.empty());
      out.insert(out.end(), content.events.begin(), content.events.end());
    }
    return out;
  }

  std::vector<std::unique_ptr<MemorySegment>> segments;
  Segment& first;
  JournalWriter writer;
};

// All texts new and as long as they may be: the most slots that one append can take.
OwnedEvent longest_event(char mark) {
  OwnedEvent out = ordinary_event();
  out.account = std::string(kConfiguredNameBytesMax, mark);
  out.pool = std::string(kConfiguredNameBytesMax - 1, mark);
  out.client_key = std::string(kConfiguredNameBytesMax - 2, mark);
  out.model = std::string(kModelBytesMax, mark);
  out.native_model = std::string(kModelBytesMax - 1, mark);
  out.request_id = std::string(kRequestIdBytesMax, mark);
  return out;
}

TEST(JournalWriter, TheLongestEventTakesTheSlotsThatAreSetAside) {
  Chain chain;
  ASSERT_NE(chain.writer.refused(longest_event('x').view()), 0);
  EXPECT_EQ(chain.first.published.load(), 1 + kGroupSlotsMax);
}

TEST(JournalWriter, NamesAreWrittenOnceInASegment) {
  Chain chain;
  ASSERT_NE(chain.writer.refused(ordinary_event().view()), 0);
  const std::uint32_t before = chain.first.published.load();
  EXPECT_EQ(before, 1 + 5 + 1);
  ASSERT_NE(chain.writer.refused(ordinary_event().view()), 0);
  EXPECT_EQ(chain.first.published.load(), before + 1);
}

TEST(JournalWriter, AStartIsRefusedWhenItsEndWouldHaveNoRoom) {
  Chain chain(1 + 3 * kGroupSlotsMax -
              1);  // room for two of the longest, one slot less for a third
  const JournalStart started = chain.writer.start(longest_event('a').view());
  ASSERT_TRUE(started.any());
  EXPECT_FALSE(chain.writer.ready());
  EXPECT_FALSE(chain.writer.start(longest_event('b').view()).any());
  EXPECT_EQ(chain.writer.refused(longest_event('b').view()), 0);
  EXPECT_EQ(chain.writer.slots_set_aside(), kGroupSlotsMax);
  EXPECT_EQ(chain.writer.end(longest_event('a').view(), started), 2);
  EXPECT_EQ(chain.writer.slots_set_aside(), 0);
  EXPECT_EQ(chain.read().size(), 2);
}

TEST(JournalWriter, GoesOnWhenASegmentIsLinked) {
  Chain chain(1 + 3 * kGroupSlotsMax - 1);
  const JournalStart first = chain.writer.start(longest_event('a').view());
  ASSERT_TRUE(first.any());
  ASSERT_FALSE(chain.writer.start(longest_event('b').view()).any());
  chain.add();
  const JournalStart second = chain.writer.start(longest_event('b').view());
  EXPECT_EQ(second.sequence, 2);
  EXPECT_EQ(chain.writer.end(longest_event('b').view(), second), 3);
  EXPECT_EQ(chain.writer.end(longest_event('a').view(), first), 4);
  const std::vector<OwnedEvent> events = chain.read();
  ASSERT_EQ(events.size(), 4);
  EXPECT_EQ(events[2].model, longest_event('b').model);
  EXPECT_EQ(events[3].model, longest_event('a').model);
  EXPECT_TRUE(chain.first.sealed.load());
}

TEST(JournalWriter, EverySegmentCanBeReadAlone) {
  Chain chain;
  chain.add();
  for (int i = 0; i < 80; ++i) ASSERT_NE(chain.writer.refused(ordinary_event().view()), 0);
  const SegmentContent second = read_segment(chain.segments[1]->memory, 2);
  ASSERT_FALSE(second.events.empty());
  EXPECT_EQ(second.events[0].model, ordinary_event().model);
}

TEST(JournalWriter, LeavesASegmentWhenAskedAndTheNextHasRoomForWhatWasPromised) {
  Chain chain;
  ASSERT_TRUE(chain.writer.start(ordinary_event().view()).any());
  chain.first.leave.store(true);
  ASSERT_NE(chain.writer.refused(ordinary_event().view()), 0);
  EXPECT_FALSE(chain.first.sealed.load());  // there is no next one
  chain.add(2 * kGroupSlotsMax);            // enough for one, not for what is promised too
  ASSERT_NE(chain.writer.refused(ordinary_event().view()), 0);
  EXPECT_FALSE(chain.first.sealed.load());
  chain.add();
  ASSERT_NE(chain.writer.refused(ordinary_event().view()), 0);
  EXPECT_TRUE(chain.first.sealed.load());
  EXPECT_EQ(chain.read().size(), 4);
}

// Starts, ends and refusals at random with segments coming at random: an end never lacks room (it
// would assert), and what was accepted is read.
TEST(JournalWriter, AnEndNeverLacksRoom) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Prng random(seed);
    const auto slots = [&] { return static_cast<std::uint32_t>(13 + random.below(100)); };
    const auto chain = std::make_unique<Chain>(slots());
    std::deque<std::pair<JournalStart, OwnedEvent>> open;
    std::uint64_t accepted = 0;
    for (int step = 0; step < 300; ++step) {
      const OwnedEvent event = random.below(2) == 0
                                   ? longest_event(static_cast<char>('!' + random.below(90)))
                                   : random_event(random);
      switch (random.below(8)) {
        case 0: chain->add(slots()); break;
        case 1: chain->segments[random.below(chain->segments.size())]->segment.leave = true; break;
        case 2: accepted += chain->writer.refused(event.view()) != 0 ? 1 : 0; break;
        case 3:
        case 4:
        case 5:
          if (const JournalStart started = chain->writer.start(event.view()); started.any()) {
            open.emplace_back(started, event);
            ++accepted;
          }
          break;
        default:
          if (open.empty()) break;
          chain->writer.end(open.front().second.view(), open.front().first);
          open.pop_front();
          ++accepted;
      }
    }
    for (; !open.empty(); open.pop_front(), ++accepted)
      chain->writer.end(open.front().second.view(), open.front().first);
    const std::vector<OwnedEvent> events = chain->read();
    ASSERT_EQ(events.size(), accepted) << seed;
    for (std::size_t i = 0; i < events.size(); ++i) ASSERT_EQ(events[i].event.sequence, i + 1);
  }
}

}  // namespace
}  // namespace sluice
