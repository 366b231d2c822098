#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/intrusive_list.h"
#include "base/owned_count.h"
#include "engine/route/balancer.h"
#include "engine/route/ladder.h"

namespace sluice {

// Waiter - a request in the queue. Derived classes learn in on_end() what became of it.
//
// Owns      a granted permit, until it is taken out of `choice`.
// Affinity  the queue's thread from enter() to on_end() or leave().
// Lifetime  longer than its stay in the queue.
class Waiter : public ListNode {
 public:
  // `advice`: the ladder's kWait.
  Waiter(Ladder& ladder, const Choice& advice) noexcept
      : directory(&ladder.directory()),
        route(ladder.route()),
        seeker(&ladder.seeker()),
        pool(advice.pool),
        give_up_at(advice.give_up_at),
        only_if_soon(advice.only_if_soon) {}

  const Directory* directory;
  const Route* route;
  Seeker* seeker;
  Pool pool;
  Instant give_up_at;  // whoever waits sees to it; the queue lets go of whom it cannot help by then
  bool only_if_soon;
  Instant entered_at{};  // set by the queue

  // The outcome, once on_end() has been called.
  WaitEnd end = WaitEnd::kTimedOut;
  Choice choice;          // kGranted: kTry, with its permit
  Instant expected_at{};  // kFull, kDropped, kHopeless: when it might have had its turn

  // Called by the queue: the waiter has been served or dropped and is no longer in it. It may be
  // gone afterwards. Must not call the queue.
  virtual void on_end() noexcept = 0;

 protected:
  ~Waiter() = default;
};

// WaitQueue - those for whom no permit was free, each waiting for a pool of its route. Served in
// strict order of (priority, arrival): a permit goes to the first of those whom it can serve, and
// nobody who comes later takes one that somebody before waits for (Wanted). Waiters of one priority
// whose pools have no account in common do not delay each other.
//
// A request that comes back, because its permit was answered with 429, stands where it stood.
//
// Owns      a line for each route and pool that somebody waits for; not the waiters.
// Affinity  one thread: that of the dispatcher. It allocates; shards do not.
class WaitQueue {
 public:
  explicit WaitQueue(Balancer& balancer) noexcept : balancer_(balancer) {}
  ~WaitQueue();
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  // Lets `waiter` in; serve() should follow. When there is no place it ends at once (kFull), or a
  // waiter of lower priority does (kDropped, by the policy drop_lowest); when its turn would not
  // come as soon as it must, too (kHopeless).
  void enter(Waiter& waiter, Instant now);
  // Takes `waiter` out: it has no more time, or its client has gone. on_end() is not called.
  void leave(Waiter& waiter) noexcept;

  // Grants every permit that can be granted, and ends the wait of those for whom none can come in
  // their time any more (kHopeless: keys were refused, a breaker opened, a cooldown is long). When
  // to call it again, at the latest: the instant of
  // the next permit; kNever when nobody waits. It may grant something earlier after a permit was
  // given back.
  Instant serve(Instant now);

  [[nodiscard]] std::size_t depth() const noexcept { return depth_; }
  // Any thread.
  [[nodiscard]] std::size_t depth(Priority priority) const noexcept {
    return depths_[rank_of(priority)];
  }
  // Everybody who waits, line by line.
  template <class Look>
  void each_waiter(const Look& look) {
    for (auto& [key, line] : lines_) {
      for (IntrusiveList<Waiter>& waiters : line.waiters) {
        for (Waiter* at = waiters.front(); at != nullptr; at = waiters.after(*at)) look(*at);
      }
    }
  }
  // When a waiter of `priority` that came now would have its turn, if all permits between went to
  // those before it and the accounts kept their rates. An estimate.
  [[nodiscard]] Instant expected_at(const Route& route, Pool pool, Priority priority, Instant now,
                                    const Demand& demand = {});
  [[nodiscard]] Instant expected_at(const Waiter& waiter, Instant now) {
    return expected_at(*waiter.route, waiter.pool, waiter.seeker->priority, now,
                       waiter.seeker->demand);
  }

 private:
  // Line - those who wait for one pool of one route.
  struct Line {
    const Route* route;
    Pool pool;
    std::array<IntrusiveList<Waiter>, kPriorities> waiters;
    std::array<std::uint32_t, kPriorities> count{};
  };
  // The next of a line to be looked at in the present pass.
  struct Turn {
    Line* line;
    Waiter* waiter;
    std::size_t rank;
  };
  [[nodiscard]] double ahead_in(const Line& line, Priority priority) const noexcept;
  using Lines = std::map<std::pair<const Route*, Pool>, Line>;

  static Line& line_of(Lines& lines, const Waiter& waiter);
  void link(Waiter& waiter);
  void unlink(Waiter& waiter) noexcept;
  void end(Waiter& waiter, WaitEnd end) noexcept;
  void let_go_of_hopeless(Instant now);
  [[nodiscard]] Waiter* lowest_below(Priority priority) noexcept;

  [[nodiscard]] static bool comes_later(const Turn& a, const Turn& b) noexcept;
  [[nodiscard]] static bool begin(Line& line, Turn& turn) noexcept;
  [[nodiscard]] static bool advance(Turn& turn) noexcept;
  Instant hold(const Line& line, const Waiter& waiter, Instant now, bool& held_all) const noexcept;
  void push_turn(const Turn& turn);
  Turn pop_turn();

  Balancer& balancer_;
  Lines lines_;
  std::vector<Turn> turns_;  // a heap, the first turn on top; empty between passes
  std::array<OwnedCount, kPriorities> depths_;
  std::size_t depth_ = 0;
  std::uint64_t arrivals_ = 0;
  std::uint64_t pass_ = 0;
  Instant hope_seen_at_{};
  std::vector<Waiter*> hopeless_;  // empty between calls
};

}  // namespace sluice
