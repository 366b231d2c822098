#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "engine/route/take.h"
#include "engine/route/ticks.h"

namespace sluice {

struct BreakerPolicy {
  std::uint32_t failures = 5;  // in a row, until it opens; 0: never; at most 255
  Duration open = 10s;  // how long it opens first; twice as long each time that a probe fails
  Duration open_max = 5min;
};

// BreakerEntry - a breaker's answer to one request, which hands it back with how it ended.
struct BreakerEntry {
  enum class Kind : std::uint8_t { kRefused, kPassed, kProbe };

  Kind kind = Kind::kRefused;
  Instant at{};

  [[nodiscard]] bool granted() const noexcept { return kind != Kind::kRefused; }
};

// BreakerChange - what a failure did. `opened`: it opened, or opened again, one event for the
// record.
struct BreakerChange {
  bool opened = false;
  Instant until{};
};

enum class BreakerState : std::uint8_t { kClosed, kOpen, kHalfOpen };

// BreakerWord - what a breaker knows, and what becomes of it. Pure. As bits: 2 of phase, 6 of
// openings, 8 of failures, 48 of time (ticks.h).
struct BreakerWord {
  enum class Phase : std::uint8_t { kClosed = 0, kOpen, kProbing };

  // Longer than nearly all first bytes take; a second probe too early does little harm.
  static constexpr Duration kProbeMax = 60s;

  Phase phase = Phase::kClosed;
  std::uint32_t openings = 0;  // in a row; 0 while closed
  std::uint32_t failures = 0;  // in a row, while closed
  std::uint64_t ticks = 0;  // closed: when the probe that closed it began, or 0; open: until when;
                            // probing: when the probe began, by which it is known

  [[nodiscard]] static BreakerWord unpack(std::uint64_t bits) noexcept;
  [[nodiscard]] std::uint64_t packed() const noexcept;
  // Of the bits: what nearly every look at a breaker sees, and needs nothing else of.
  [[nodiscard]] static std::uint64_t phase_of(std::uint64_t bits) noexcept {
    return bits >> kPhaseAt;
  }
  [[nodiscard]] static bool closed(std::uint64_t bits) noexcept {
    return phase_of(bits) == static_cast<std::uint64_t>(Phase::kClosed);
  }
  [[nodiscard]] static std::uint32_t failures_of(std::uint64_t bits) noexcept {
    return static_cast<std::uint32_t>(bits >> kTickBits) & kFailuresMax;
  }

  [[nodiscard]] Instant passable_from() const noexcept;
  // For display. Half-open from the end of the open time on, with or without a probe under way.
  [[nodiscard]] BreakerState state(Instant now) const noexcept;

  [[nodiscard]] BreakerWord probed(Instant now) const noexcept;
  [[nodiscard]] BreakerWord succeeded(const BreakerEntry& entry) const noexcept;
  [[nodiscard]] BreakerWord failed(const BreakerEntry& entry, Instant now,
                                   const BreakerPolicy& policy) const noexcept;
  [[nodiscard]] BreakerWord abandoned(const BreakerEntry& entry) const noexcept;

 private:
  static constexpr int kPhaseAt = 62;
  static constexpr int kOpeningsAt = 56;
  static constexpr std::uint32_t kFailuresMax = 0xff;
  static constexpr std::uint32_t kOpeningsMax = 0x3f;  // open_max is reached long before

  [[nodiscard]] static BreakerWord opened(std::uint32_t openings, Instant now,
                                          const BreakerPolicy& policy) noexcept;
  [[nodiscard]] bool is_probe(const BreakerEntry& entry) const noexcept;
};

// BasicBreaker - keeps requests away from an account that only fails.
//
// Closed it lets all pass, until `failures` in a row have failed. Open it refuses all, for a time.
// Then it is half-open: one request may pass, the probe. If that succeeds the breaker closes; if it
// fails the breaker opens again, twice as long as before. A success while closed ends the row.
//
// Only a request that began after the breaker last closed counts against it: those that were on
// their way when it opened may fail in their dozens, and open nothing again and double nothing.
// While it is open only its probe counts. Failures are those of the provider (no connection, time
// out, 5xx): a 429 is the cooldown's, and what a client did is nobody's (INVARIANTS R4).
//
// Every entry that was granted is handed back once: succeeded(), failed(), or abandoned() when it
// tells nothing. A probe that is not, by a bug, holds its place for kProbeMax; then another takes
// it. The success of a probe closes the breaker however late it comes.
//
// Affinity  any thread, lock-free.
// Size      8 bytes: state, counts and time in one word, so that they change together.
template <class Atomics>
class BasicBreaker {
 public:
  // What it knows, for display.
  [[nodiscard]] BreakerWord read() const {
    return BreakerWord::unpack(word_.load(std::memory_order_relaxed));
  }

  // When it will be passable if nothing is reported: `now` when it is. The report of a probe may
  // make it so earlier.
  [[nodiscard]] Instant passable_at(Instant now) const {
    return std::max(now, read().passable_from());
  }
  // Whether enter() would grant now; a cheap look for choosing among accounts.
  [[nodiscard]] bool passable(Instant now) const {
    const std::uint64_t seen = word_.load(std::memory_order_relaxed);
    return BreakerWord::closed(seen) || BreakerWord::unpack(seen).passable_from() <= now;
  }

  // Other than 0 unless it is closed.
  [[nodiscard]] std::uint64_t marked() const {
    return BreakerWord::phase_of(word_.load(std::memory_order_relaxed));
  }

  // Called when a permit is taken. Of many that come at the end of the open time one is the probe.
  [[nodiscard]] BreakerEntry enter(Instant now) {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      if (BreakerWord::closed(seen)) return {.kind = BreakerEntry::Kind::kPassed, .at = now};
      const BreakerWord word = BreakerWord::unpack(seen);
      if (now < word.passable_from()) return {};
      if (become(seen, word.probed(now))) return {.kind = BreakerEntry::Kind::kProbe, .at = now};
    }
  }

  void succeeded(const BreakerEntry& entry) {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    // Nothing has failed of late: there is nothing to end.
    if (BreakerWord::closed(seen) && BreakerWord::failures_of(seen) == 0) return;
    while (!become(seen, BreakerWord::unpack(seen).succeeded(entry))) {
    }
  }

  BreakerChange failed(const BreakerEntry& entry, Instant now, const BreakerPolicy& policy) {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      const BreakerWord after = BreakerWord::unpack(seen).failed(entry, now, policy);
      const bool changes = after.packed() != seen;
      if (!become(seen, after)) continue;
      const bool opened = changes && after.phase == BreakerWord::Phase::kOpen;
      return {.opened = opened, .until = opened ? after.passable_from() : Instant{}};
    }
  }

  // The client has left, or no byte was sent, or the answer was a 429: the place of a probe is free
  // again at once.
  void abandoned(const BreakerEntry& entry) {
    if (entry.kind != BreakerEntry::Kind::kProbe) return;  // it has no place
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    while (!become(seen, BreakerWord::unpack(seen).abandoned(entry))) {
    }
  }

 private:
  // True when the word is `next` now; else `seen` is what it is. Writes nothing that is there.
  bool become(std::uint64_t& seen, const BreakerWord& next) {
    return next.packed() == seen ||
           word_.compare_exchange_weak(seen, next.packed(), std::memory_order_relaxed,
                                       std::memory_order_relaxed);
  }

  typename Atomics::template Atomic<std::uint64_t> word_{0};
};

using Breaker = BasicBreaker<StdAtomics>;

}  // namespace sluice
