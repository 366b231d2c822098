// What a writer appends is what a reader gets: every field, every bound.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/unit/store/journal/journal_fixture.h"

namespace sluice {
namespace {

constexpr std::uint32_t kSlots = 4096;

// One event through the journal as an end, with the sequence that a start gave.
OwnedEvent through_journal(const OwnedEvent& in) {
  MemorySegment memory(kSlots);
  const auto writer = std::make_unique<JournalWriter>(3, memory.segment, 41);
  const JournalStart started = writer->start(in.view());
  EXPECT_EQ(started.sequence, 41);
  EXPECT_EQ(writer->end(in.view(), started), 42);
  const SegmentContent content = read_segment(memory.memory, 1);
  EXPECT_TRUE(content.damage.empty());
  EXPECT_EQ(content.events.size(), 2);
  return content.events.size() == 2 ? content.events[1] : OwnedEvent();
}

OwnedEvent as_end(OwnedEvent event) {
  event.event.kind = UsageKind::kEnd;
  event.event.sequence = 42;
  event.event.started_by = 41;
  return event;
}

TEST(RoundTrip, AnOrdinaryEventAsItWas) {
  EXPECT_EQ(through_journal(ordinary_event()), as_end(ordinary_event()));
}

TEST(RoundTrip, AnEmptyEvent) { EXPECT_EQ(through_journal(OwnedEvent()), as_end(OwnedEvent())); }

TEST(RoundTrip, RandomEvents) {
  Prng random(7);
  for (int i = 0; i < 300; ++i) {
    const OwnedEvent event = random_event(random);
    ASSERT_EQ(through_journal(event), as_end(event)) << i;
  }
}

TEST(RoundTrip, KindsAndSequences) {
  MemorySegment memory(kSlots);
  const auto writer = std::make_unique<JournalWriter>(0, memory.segment, 1);
  const OwnedEvent event = ordinary_event();
  const JournalStart started = writer->start(event.view());
  EXPECT_EQ(started.sequence, 1);
  EXPECT_EQ(writer->refused(event.view()), 2);
  EXPECT_EQ(writer->end(event.view(), started), 3);
  const SegmentContent content = read_segment(memory.memory, 1);
  ASSERT_EQ(content.events.size(), 3);
  EXPECT_EQ(content.events[0].event.kind, UsageKind::kStart);
  EXPECT_EQ(content.events[1].event.kind, UsageKind::kRefused);
  EXPECT_EQ(content.events[2].event.kind, UsageKind::kEnd);
  EXPECT_EQ(content.events[2].event.started_by, 1);
  EXPECT_EQ(content.next_sequence, 4);
}

TEST(RoundTrip, NumbersTooLargeBecomeTheLargest) {
  OwnedEvent in = ordinary_event();
  in.event.prompt_tokens = UINT64_MAX;
  in.event.reasoning_tokens = std::uint64_t{UINT32_MAX} + 1;
  in.event.cost_nano_dollars = INT64_MIN;
  in.event.latency_us = UINT64_MAX;
  in.event.queue_us = 1ull << 40;
  in.event.sent_ms = 1ull << 24;
  OwnedEvent out = as_end(in);
  out.event.prompt_tokens = UINT32_MAX;
  out.event.reasoning_tokens = UINT32_MAX;
  out.event.latency_us = (1ull << 40) - 1;
  out.event.queue_us = (1ull << 40) - 1;
  out.event.sent_ms = (1ull << 24) - 1;
  EXPECT_EQ(through_journal(in), out);
}

struct TextRow {
  const char* name;
  std::size_t bytes;
  std::size_t stored_id;     // of a request id
  std::size_t stored_name;   // of an account, a pool, a client key
  std::size_t stored_model;  // of a model
};
constexpr TextRow kTextRows[] = {
    {"one byte", 1, 1, 1, 1},
    {"an id that fits the record", 32, 32, 32, 32},
    {"an id that does not", 33, 33, 33, 33},
    {"a text slot", 112, 112, 112, 112},
    {"more than a text slot", 113, 113, 112, 113},
    {"the longest id", 128, 128, 112, 128},
    {"beyond the longest id", 129, 128, 112, 129},
    {"two text slots", 224, 128, 112, 224},
    {"more than two", 225, 128, 112, 225},
    {"the longest model", 256, 128, 112, 256},
    {"beyond the longest model", 257, 128, 112, 256},
    {"far beyond", 70'000, 128, 112, 256},
};

TEST(RoundTrip, TextsAreCutAtTheirBounds) {
  for (const TextRow& row : kTextRows) {
    OwnedEvent in = ordinary_event();
    const auto text = [&](char c) { return std::string(row.bytes, c); };
    in.request_id = text('r');
    in.account = text('a');
    in.pool = text('p');
    in.client_key = text('k');
    in.model = text('m');
    in.native_model = text('n');
    OwnedEvent out = as_end(in);
    out.request_id.resize(row.stored_id);
    out.account.resize(row.stored_name);
    out.pool.resize(row.stored_name);
    out.client_key.resize(row.stored_name);
    out.model.resize(row.stored_model);
    out.native_model.resize(row.stored_model);
    EXPECT_EQ(through_journal(in), out) << row.name;
  }
}

TEST(RoundTrip, ATextIsNotCutWithinACharacter) {
  OwnedEvent in = ordinary_event();
  in.model = std::string(254, 'm') + "\xe2\x82\xac";  // the euro sign crosses the bound
  OwnedEvent out = as_end(in);
  out.model.resize(254);
  EXPECT_EQ(through_journal(in), out);
  in.model = std::string(400, '\x80');  // no character begins there at all
  EXPECT_EQ(through_journal(in).model.size(), 253);
}

TEST(RoundTrip, MoreNamesThanTheTableHasRoomFor) {
  constexpr std::size_t kRefusals = 3'000;
  MemorySegment memory(kRefusals * 5);
  const auto writer = std::make_unique<JournalWriter>(0, memory.segment, 1);
  OwnedEvent event = ordinary_event();
  for (std::size_t i = 0; i < kRefusals; ++i) {
    event.model = std::to_string(i) + std::string(i % 200, 'x');
    ASSERT_EQ(writer->refused(event.view()), i + 1);
  }
  const SegmentContent content = read_segment(memory.memory, 1);
  ASSERT_EQ(content.events.size(), kRefusals);
  for (std::size_t i = 0; i < kRefusals; ++i) {
    ASSERT_EQ(content.events[i].model, std::to_string(i) + std::string(i % 200, 'x'));
    ASSERT_EQ(content.events[i].account, event.account);
  }
}

}  // namespace
}  // namespace sluice
