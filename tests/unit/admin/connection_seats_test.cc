#include "admin/connection_seats.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace sluice::test {
namespace {

using Seat = ConnectionSeats::Seat;

class Seats : public testing::Test {
 protected:
  // Comes as a connection does: only where there is room.
  Seat* come() { return seats.make_room() ? open.emplace_back(new_seat()).get() : nullptr; }
  std::unique_ptr<Seat> new_seat() { return std::make_unique<Seat>(seats, all); }

  CancelSource all;
  ConnectionSeats seats{3};
  std::vector<std::unique_ptr<Seat>> open;
};

TEST_F(Seats, TheOldestWithoutTheTokenMakesRoom) {
  for (int i = 0; i < 3; ++i) ASSERT_NE(come(), nullptr);
  open[0]->keep();
  ASSERT_NE(come(), nullptr);
  EXPECT_FALSE(open[0]->cut().requested());
  EXPECT_TRUE(open[1]->cut().requested());
  EXPECT_FALSE(open[2]->cut().requested());
  EXPECT_EQ(seats.taken(), 4u);  // until it has left
  EXPECT_EQ(seats.cut(), 1u);
  open.erase(open.begin() + 1);
  EXPECT_EQ(seats.taken(), 3u);
}

TEST_F(Seats, WhoHasShownItKeepsTheSeat) {
  for (int i = 0; i < 3; ++i) come()->keep();
  EXPECT_EQ(come(), nullptr);
  open.pop_back();
  EXPECT_NE(come(), nullptr);
}

TEST_F(Seats, ThoseWhoHaveToLeaveAndDoNotAreBounded) {
  for (int i = 0; i < 6; ++i) ASSERT_NE(come(), nullptr) << i;
  EXPECT_EQ(come(), nullptr);
  EXPECT_EQ(seats.cut(), 3u);
}

TEST_F(Seats, TheEndOfAllIsTheEndOfEach) {
  ASSERT_NE(come(), nullptr);
  all.request(Error{.code = Errc::kDrained, .side = Side::kOurs});
  EXPECT_TRUE(open[0]->cut().requested());
  EXPECT_TRUE(new_seat()->cut().requested());
}

}  // namespace
}  // namespace sluice::test
