#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/clock.h"
#include "base/owned_count.h"
#include "base/prng.h"
#include "engine/route/choice.h"
#include "engine/route/directory.h"

namespace sluice {

// RoundRobin - where the round_robin strategy goes on, for each route and pool of its own, so that
// models that alternate do not keep each other's turns. Directories with more than 128 routes share
// places, which moves a turn and loses none.
//
// Affinity  one shard.
// Size      1 KiB.
class RoundRobin {
 public:
  [[nodiscard]] std::uint32_t& next(const Route& route, Pool pool) noexcept {
    return next_[(route.id * 2 + (pool == Pool::kFallback)) % next_.size()];
  }

 private:
  std::array<std::uint32_t, 256> next_{};
};

// LadderCounters - what became of requests on their way down the ladder.
//
// Affinity  counted by one thread, read by any.
struct LadderCounters {
  OwnedCount primary_wait_enter;      // all primary accounts were cooling; one waited
  OwnedCount primary_wait_recovery;   // ... and got a permit of one that recovered
  OwnedCount primary_wait_exhausted;  // ... and went on without, or had no hope to begin with
  OwnedCount fallback;
  OwnedCount emergency;
  OwnedCount queue_full;   // no place in the queue, or it was lost to a more urgent request
  OwnedCount passthrough;  // of these: went on to the lesser pools all the same
};

// Balancer - chooses an account of a pool by the directory's strategy and takes its permit.
//
// Owns      its turns and counters; not the random source.
// Affinity  one thread.
class Balancer {
 public:
  explicit Balancer(Prng& prng) noexcept : prng_(prng) {}
  Balancer(const Balancer&) = delete;
  Balancer& operator=(const Balancer&) = delete;

  // Who asks: somebody who has just come takes nothing from those who wait for it; the wait queue
  // asks for its first, pass by pass.
  struct Standing {
    std::uint64_t pass = 0;  // of the wait queue; 0: a newcomer
  };

  // Fills `choice` with a permit of an account that `seeker` has not tried, and marks it as tried;
  // false when there is none.
  [[nodiscard]] bool choose(const Directory& directory, const Route& route, Pool pool,
                            Seeker& seeker, Standing standing, Instant now,
                            Choice& choice) noexcept;

  LadderCounters counters;

 private:
  // One choice that is being made.
  struct Search {
    const Route& route;
    Route::Range range;
    Seeker& seeker;
    DecisionLooks* looks;  // null: nothing is kept
    Standing standing;
    Instant now;
    Choice& choice;
  };
  [[nodiscard]] static bool choose_ordered(Search& search) noexcept;
  [[nodiscard]] bool choose_round_robin(Search& search, Pool pool) noexcept;
  // Whoever has the lowest score(candidate), of equals the next in turn.
  template <class Score>
  [[nodiscard]] bool choose_best(Search& search, const Score& score) noexcept;
  // The same of all but the one at `besides`.
  template <class Score>
  [[nodiscard]] bool choose_next_best(Search& search, const Score& score,
                                      std::uint32_t besides) noexcept;
  [[nodiscard]] bool choose_by_origin(Search& search) noexcept;
  [[nodiscard]] bool choose_least_inflight(Search& search) noexcept;
  [[nodiscard]] bool draw_least_inflight(Search& search) noexcept;
  [[nodiscard]] bool choose_fastest(Search& search) noexcept;
  [[nodiscard]] bool choose_cheapest(Search& search) noexcept;
  [[nodiscard]] bool choose_in_turn(Search& search,
                                    std::span<const std::uint32_t> positions) noexcept;
  [[nodiscard]] std::uint32_t draw_ready(const Search& search, std::uint32_t besides) noexcept;
  [[nodiscard]] bool choose_weighted(Search& search) noexcept;
  [[nodiscard]] bool draw_weighted(Search& search) noexcept;
  [[nodiscard]] std::uint32_t draw_one(const Search& search) noexcept;

  [[nodiscard]] static bool ready(const Search& search, std::uint32_t position) noexcept;
  [[nodiscard]] static bool is_ready(const Search& search, std::uint32_t position) noexcept;
  static void pass_over(const Search& search, std::uint32_t position) noexcept;
  [[nodiscard]] static double free_share(const Search& search, std::uint32_t position) noexcept;
  // By weight.
  [[nodiscard]] static double share(const Search& search, std::uint32_t position) noexcept;
  [[nodiscard]] static bool take(Search& search, std::uint32_t position) noexcept;

  Prng& prng_;
  RoundRobin round_robin_;
};

}  // namespace sluice
