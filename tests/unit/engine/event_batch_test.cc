#include "engine/event_batch.h"

#include <gtest/gtest.h>

#include "tests/unit/text_sink.h"

namespace sluice {
namespace {

TEST(EventBatch, TellsOfALossOnceAndForgetsAfterAThousand) {
  ManualClock clock;
  TextSink sink;
  EventBatch batch(Log(sink, clock, LogLevel::kInfo, LogFormat::kText));
  const auto tell = [&](std::uint64_t offset) {
    const std::size_t before = sink.text.size();
    batch.lost({.file = "f", .offset = offset, .bytes = 1, .first_sequence = 1});
    return sink.text.size() > before;
  };
  for (std::uint64_t i = 0; i < EventBatch::kToldMax; ++i) ASSERT_TRUE(tell(i));
  EXPECT_FALSE(tell(0));
  EXPECT_FALSE(tell(EventBatch::kToldMax - 1));
  EXPECT_TRUE(tell(EventBatch::kToldMax));
  EXPECT_TRUE(tell(0));
}

}  // namespace
}  // namespace sluice
