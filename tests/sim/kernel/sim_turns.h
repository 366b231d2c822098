#pragma once

#include <memory>
#include <semaphore>
#include <vector>

#include "base/clock.h"

namespace sluice {

class SimKernel;

// SimTurns - shards that run on threads of their own, of which one goes on at a time: the others
// wait in their kernel's collect(). So a run stays a function of its seed, whatever the machine's
// scheduler does.
//
// Owns      one semaphore for each thread.
// Affinity  the thread whose turn it is.
// Lifetime  longer than the kernels that are in it run.
class SimTurns {
 public:
  // Before any thread runs. The first one that joins has the first turn.
  void join(SimKernel& kernel);

  // On a thread that is not the first, before anything else.
  void wait_for_first_turn(const SimKernel& self) { member_of(self).go.acquire(); }
  // Lets another shard go on that has something to do at `now`, until it is the turn of `self`
  // again, which would wait until `until`. False when nobody else has.
  [[nodiscard]] bool pass_on(const SimKernel& self, Instant now, Instant until);
  // When the first of the others has something to do by itself.
  [[nodiscard]] Instant next_of_others(const SimKernel& self) const;
  // `self` has ended: the others go on.
  void leave(const SimKernel& self);

 private:
  struct Member {
    explicit Member(SimKernel& kernel) : kernel(&kernel) {}
    SimKernel* kernel;
    Instant until{};  // it waits so long; at first not at all
    bool over = false;
    std::binary_semaphore go{0};
  };
  [[nodiscard]] Member& member_of(const SimKernel& kernel);

  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace sluice
