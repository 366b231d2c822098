#pragma once

#include <atomic>

#include "base/prng.h"
#include "engine/io/signal.h"
#include "engine/route/wait_queue.h"
#include "engine/shard.h"
#include "engine/task/task.h"

namespace sluice {

class QueueComments;
struct Exchange;

// Dispatcher - the one place where the requests of all shards wait for permits, so that their order
// is strict over all cores. Requests come and go as letters (Ticket); the queue itself is pure
// (WaitQueue).
//
// Owns      the queue.
// Affinity  its home shard, but for nudge().
// Lifetime  longer than every shard that may send it a ticket.
class Dispatcher final : private Timer {
 public:
  Dispatcher(Shard& home, std::uint64_t seed) noexcept
      : home_(home), prng_(seed), balancer_(prng_), queue_(balancer_) {}
  ~Dispatcher() { SL_ASSERT(!linked()); }
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  [[nodiscard]] Shard& home() noexcept { return home_; }
  // Any thread for its depth(priority).
  [[nodiscard]] const WaitQueue& queue() const noexcept { return queue_; }
  [[nodiscard]] WaitQueue& queue() noexcept { return queue_; }

  // From any shard: a permit that somebody may wait for has come back before its time.
  void nudge(Shard& from) noexcept;

 private:
  friend class Ticket;

  void enter(Waiter& waiter);
  void leave(Waiter& waiter);
  void serve();
  void on_timer() noexcept override { serve(); }

  struct Nudge final : Letter {
    explicit Nudge(Dispatcher& self) noexcept : Letter(&Nudge::come), self(&self) {}
    static void come(Shard& home, Letter& letter);
    Dispatcher* self;
    std::atomic<bool> on_its_way{false};
  };

  Shard& home_;
  Prng prng_;
  Balancer balancer_;
  WaitQueue queue_;
  Nudge nudge_{*this};
};

// Waits at the dispatcher for what `advice` (kWait) asks for. The next step: the granted choice, or
// what the ladder says when there was none in time. None is held once exchange.cancel was
// requested: ask that. Meanwhile the client is told by `comments` that it waits.
[[nodiscard]] Task<Choice> wait_for_permit(Shard& shard, Exchange& exchange, Ladder& ladder,
                                           Choice advice, QueueComments& comments);

}  // namespace sluice
