#include "engine/proxy/limit_keeper.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/proxy_fixture.h"

namespace sluice {
namespace {

class LimitKeeperTest : public ProxyTest {
 protected:
  // A directory that has one account, the successor of the last.
  std::shared_ptr<const Directory> directory_with(std::uint32_t rpm_limit) {
    directory_ = std::make_shared<Directory>();
    Account& account = add_account("team-a");
    account.rpm_limit = rpm_limit;
    account.learn_limits = true;
    finish_directory(*directory_, last_.get(), clock_.now());
    last_ = directory_;
    return directory_;
  }
  AccountState& state() { return *last_->accounts.front()->state; }

  std::shared_ptr<Directory> last_;
};

TEST_F(LimitKeeperTest, SetsTheLimitsOnceASecond) {
  LimitKeeper keeper(*shard_, *dispatcher_);
  keeper.watch(directory_with(100));
  for (int i = 0; i < 20; ++i) state().count_answer(false);
  pass(1s + 2ms);
  for (int i = 0; i < 20; ++i) state().count_answer(true);
  pass(500ms);
  EXPECT_EQ(state().limit(), 100u);
  pass(600ms);
  EXPECT_EQ(state().limit(), 56u);  // two steps at once
  // That explains it.
  state().learn({.requests = 10}, {});
  pass(1s + 2ms);
  EXPECT_EQ(state().limit(), 10u);
}

TEST_F(LimitKeeperTest, LooksAtTheAccountsOfTheDirectoryInForce) {
  LimitKeeper keeper(*shard_, *dispatcher_);
  keeper.watch(directory_with(100));
  keeper.watch(directory_with(80));
  state().learn({.requests = 10}, {});
  pass(1s + 2ms);
  EXPECT_EQ(state().limit(), 10u);
  EXPECT_EQ(state().effective().configured().limit, 80u);
}

}  // namespace
}  // namespace sluice
