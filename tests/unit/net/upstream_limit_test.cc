// How many connections to providers there may be.
#include "tests/unit/net/upstream_pool_fixture.h"

namespace sluice {
namespace {

TEST_F(UpstreamPoolTest, OfMoreThanMayBeOpenTheFirstThatIsDoneIsClosed) {
  UpstreamConnection* connections[4];
  for (UpstreamConnection*& connection : connections) connection = &open();
  EXPECT_EQ(pool().open_count(), 4u);  // with none idle there was no other way
  for (UpstreamConnection* const connection : connections) pools_->give_back(*connection, true);
  EXPECT_EQ(pool().idle_count(), 3u);
  expect_closed(*wires_[0]);
  EXPECT_EQ(pool().open_count(), 3u);
  EXPECT_FALSE(wires_[3]->ended());
}

TEST_F(UpstreamPoolTest, AnIdleConnectionMakesRoomForOneToAnotherTarget) {
  for (UpstreamConnection* const connection : {&open(), &open(), &open()})
    pools_->give_back(*connection, true);
  Listener other(kernel_);
  const auto opened = finished(UpstreamPools::open(*shard_, *pools_, pool_at(other.port()), nullptr,
                                                   Limits{}, *arena_, failure_));
  ASSERT_TRUE(opened);
  EXPECT_EQ(pool().open_count(), 2u);
  expect_closed(*wires_[0]);  // the one that has been idle for the longest
  EXPECT_FALSE(wires_[1]->ended());
  pools_->give_back(**opened, true);
  EXPECT_EQ(pool_at(other.port()).idle_count(), 1u);
}

TEST_F(UpstreamPoolTest, ConnectionsOnTheirWayNeedRoomToo) {
  for (UpstreamConnection* const connection : {&open(), &open(), &open()})
    pools_->give_back(*connection, true);
  Listener other(kernel_);
  const auto open_other = [&] {
    return UpstreamPools::open(*shard_, *pools_, pool_at(other.port()), nullptr, Limits{}, *arena_,
                               failure_);
  };
  Task<Result<UpstreamConnection*>> first = open_other();
  Task<Result<UpstreamConnection*>> second = open_other();
  EXPECT_FALSE(first.done() || second.done());
  EXPECT_EQ(pool().idle_count(), 1u);
  for (auto* const opening : {&first, &second}) {
    const auto opened = finished(std::move(*opening));
    ASSERT_TRUE(opened);
    pools_->give_back(**opened, true);
  }
  EXPECT_EQ(pool_at(other.port()).idle_count(), 2u);
  EXPECT_FALSE(wires_[2]->ended());
}

TEST_F(UpstreamPoolTest, OneThatCouldNotBeOpenedGivesItsRoomBack) {
  for (UpstreamConnection* const connection : {&open(), &open()})
    pools_->give_back(*connection, true);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(finished(
        UpstreamPools::open(*shard_, *pools_, pool_at(1), nullptr, Limits{}, *arena_, failure_)));
  }
  EXPECT_EQ(pool().idle_count(), 2u);
}

}  // namespace
}  // namespace sluice
