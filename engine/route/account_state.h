#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "engine/route/cooldown.h"
#include "engine/route/rolling_bucket.h"
#include "engine/route/steady_bucket.h"
#include "engine/route/take.h"
#include "engine/route/wanted.h"

namespace sluice {

// BucketLimits - what an account allows: `limit` requests in each `window`, guard included, and
// `emergency` more through a channel of their own.
struct BucketLimits {
  BucketShape shape = BucketShape::kRolling;
  std::uint32_t limit = 40;
  Duration window = 60s;
  std::uint32_t emergency = 0;

  friend bool operator==(const BucketLimits&, const BucketLimits&) = default;
};

// AccountState - what all shards know of one account from moment to moment: its bucket, its
// cooldown, whether its key was refused.
//
// One object for the life of a key at an endpoint, whatever the account is called: successive
// directories share it, and a change of the limits happens in place, so that what was spent, cooled
// or refused is never forgotten and shards that still read the old directory draw on the same
// tokens.
//
// Owns      the buckets' memory; shared by the directories that name the account.
// Affinity  any thread, lock-free; set_limits() the thread that publishes directories.
// Size      192 bytes and the rings of the rolling buckets.
class alignas(64) AccountState {
 public:
  explicit AccountState(const BucketLimits& limits);

  // The bucket. A granted Take is handed back exactly once (INVARIANTS R1): Permit does it.
  [[nodiscard]] Take take(Instant now) noexcept;
  [[nodiscard]] Take take_emergency(Instant now) noexcept;
  void settle_sent(const Take& taken, Instant now) noexcept;  // the last byte has left
  void refund(const Take& taken, Instant now) noexcept;       // no byte has left

  [[nodiscard]] std::uint32_t limit() const noexcept;
  [[nodiscard]] std::uint32_t available(Instant now) noexcept;
  [[nodiscard]] Instant next_permit_at(Instant now) const noexcept;

  // A new limit or window holds at once, and no span that contains the change admits more than the
  // larger limit. Another shape begins with all its tokens spent at `now`.
  void set_limits(const BucketLimits& limits, Instant now);

  // What the wait queue knows of an account. `wanted` is for everybody to look at, the rest is the
  // queue's own.
  struct Line {
    Wanted wanted;
    std::uint64_t held_in_pass = 0;  // somebody before waits for it, as that pass has found
  };
  [[nodiscard]] Line& line() noexcept { return line_; }
  [[nodiscard]] const Line& line() const noexcept { return line_; }

  [[nodiscard]] Cooldown& cooldown() noexcept { return cooldown_; }
  [[nodiscard]] const Cooldown& cooldown() const noexcept { return cooldown_; }

  // The provider refused the key (401, 403): the account is in error until the operator switches it
  // off and on again, which makes another generation of the key, or until a probe finds it good.
  void reject(std::uint32_t generation) noexcept;
  void accept(std::uint32_t generation) noexcept;
  [[nodiscard]] bool rejected(std::uint32_t generation) const noexcept {
    return rejected_generation_.load(std::memory_order_relaxed) == generation;
  }

  // Nothing here that a new state would not have as well.
  [[nodiscard]] bool at_rest(Instant now) noexcept;

 private:
  [[nodiscard]] BucketShape shape() const noexcept {
    return shape_.load(std::memory_order_relaxed);
  }

  RollingBucket rolling_;
  Cooldown cooldown_;
  std::atomic<std::uint32_t> rejected_generation_{0};  // 0: none
  std::atomic<BucketShape> shape_;
  Line line_;
  SteadyBucket steady_;
  RollingBucket emergency_;
};
static_assert(sizeof(AccountState) == 192);

}  // namespace sluice
