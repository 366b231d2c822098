#pragma once

#include <string>

#include "engine/route/wait_queue.h"
#include "tests/unit/route/route_fixture.h"

namespace sluice::test {

// Uses up what `account` has to give at `now`.
inline void spend_all(const Account& account, Instant now = kStart) {
  for (Permit permit = Permit::take(account, now); permit.held();
       permit = Permit::take(account, now)) {
    complete(permit, now);
  }
}

// Guest - a request that waits in the queue.
class Guest final : public Waiter {
 public:
  explicit Guest(Ladder& ladder, Pool pool = Pool::kPrimary, Instant give_up_at = kNever,
                 bool only_if_soon = false)
      : Waiter(ladder, advice(pool, give_up_at, only_if_soon)) {}
  void on_end() noexcept override { ended = true; }

  // The account of the granted permit, which is settled; "" when there is none.
  std::string served_by(Instant now) {
    if (!choice.permit.held()) return "";
    complete(choice.permit, now);
    return choice.permit.account()->name;
  }

  bool ended = false;

 private:
  static Choice advice(Pool pool, Instant give_up_at, bool only_if_soon) {
    Choice choice;
    choice.kind = Choice::Kind::kWait;
    choice.pool = pool;
    choice.give_up_at = give_up_at;
    choice.only_if_soon = only_if_soon;
    return choice;
  }
};

// Visitor - a request with its ladder and its place in the queue.
struct Visitor {
  Visitor(Shard& shard, const Directory& directory, Priority priority = Priority::kNormal,
          std::string_view model = "m", Pool pool = Pool::kPrimary)
      : ladder(shard.ladder(directory, model, priority)), guest(ladder, pool) {}
  Ladder ladder;
  Guest guest;
};

}  // namespace sluice::test
