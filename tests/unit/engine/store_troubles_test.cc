#include "engine/store_troubles.h"

#include <gtest/gtest.h>

#include "tests/unit/text_sink.h"

namespace sluice {
namespace {

class StoreTroublesTest : public testing::Test {
 protected:
  [[nodiscard]] std::size_t lines(std::string_view part) const {
    std::size_t found = 0;
    const std::string& text = sink_.text;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
    return found;
  }

  ManualClock clock_;
  TextSink sink_;
  StoreTroubles troubles_{clock_, Log(sink_, clock_, LogLevel::kInfo, LogFormat::kText), "dir"};
  const StoreError full_{.code = StoreErrc::kDiskFull};
};

TEST_F(StoreTroublesTest, EachKindIsToldWhenItBeginsAndWhenItEnds) {
  troubles_.begin(StoreTrouble::kCleaning, full_);
  troubles_.begin(StoreTrouble::kCleaning, full_);
  troubles_.begin(StoreTrouble::kBooking, full_);
  EXPECT_EQ(troubles_.bits(),
            trouble_bit(StoreTrouble::kCleaning) | trouble_bit(StoreTrouble::kBooking));
  EXPECT_EQ(lines("old rows cannot be removed"), 1u);
  EXPECT_EQ(lines("usage cannot be booked"), 1u);
  troubles_.end(StoreTrouble::kBooking);
  troubles_.end(StoreTrouble::kBooking);
  EXPECT_EQ(lines("usage is booked again"), 1u);
  EXPECT_EQ(lines("removed from the database again"), 0u);
  EXPECT_EQ(troubles_.bits(), trouble_bit(StoreTrouble::kCleaning));
}

TEST_F(StoreTroublesTest, OneThatLastsIsToldAgainWithItsAge) {
  troubles_.begin(StoreTrouble::kSyncing, full_);
  clock_.advance(9min);
  EXPECT_FALSE(troubles_.due(clock_.now()));
  clock_.advance(1min);
  EXPECT_TRUE(troubles_.due(clock_.now()));
  troubles_.repeat(clock_.now(), 7);
  EXPECT_EQ(lines("cannot be synced"), 2u);
  EXPECT_EQ(lines("minutes=10 records_not_booked=7"), 1u);
  EXPECT_FALSE(troubles_.due(clock_.now()));
}

TEST_F(StoreTroublesTest, ADatabaseNearItsMaximumIsToldOnceAndEachTenMinutesAndWhenItIsNot) {
  const auto look = [this](std::uint64_t used) {
    troubles_.note_space({.file = used, .used = used, .map = 1000, .map_max = 1000});
  };
  look(700);
  EXPECT_EQ(sink_.text, "");
  for (int i = 0; i < 100; ++i) look(850);
  EXPECT_EQ(lines("has used most of store.bytes_max"), 1u);
  look(780);  // pruned, and soon as full again
  look(850);
  EXPECT_EQ(lines("store.bytes_max"), 1u);
  clock_.advance(10min);
  look(850);
  EXPECT_EQ(lines("has used most of store.bytes_max"), 2u);
  look(740);
  look(740);
  EXPECT_EQ(lines("has room again"), 1u);
  look(850);
  EXPECT_EQ(lines("has used most of store.bytes_max"), 3u);
  EXPECT_EQ(troubles_.bits(), 0u);
}

TEST_F(StoreTroublesTest, ADatabaseThatIsClosedIsToldBehindWhatWouldHavePassed) {
  troubles_.begin(StoreTrouble::kBooking, full_);
  troubles_.begin(StoreTrouble::kBooking, {.code = StoreErrc::kBroken});
  troubles_.begin(StoreTrouble::kBooking, {.code = StoreErrc::kBroken});
  EXPECT_EQ(lines("usage cannot be booked"), 2u);
}

}  // namespace
}  // namespace sluice
