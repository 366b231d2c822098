#include "engine/route/breaker.h"

namespace sluice {
using Phase = BreakerWord::Phase;

// Opens for the openings-th time in a row: for open x 2^(openings - 1), at most open_max.
BreakerWord BreakerWord::opened(std::uint32_t openings, Instant now,
                                const BreakerPolicy& policy) noexcept {
  Duration length = policy.open;
  for (std::uint32_t n = 1; n < openings && length < policy.open_max; ++n) length *= 2;
  return {.phase = Phase::kOpen,
          .openings = std::min(openings, kOpeningsMax),
          .failures = 0,
          .ticks = ticks_of(now + std::min(length, policy.open_max))};
}

BreakerWord BreakerWord::unpack(std::uint64_t bits) noexcept {
  return {.phase = static_cast<Phase>(bits >> kPhaseAt),
          .openings = static_cast<std::uint32_t>(bits >> kOpeningsAt) & kOpeningsMax,
          .failures = failures_of(bits),
          .ticks = bits & kTickMask};
}

std::uint64_t BreakerWord::packed() const noexcept {
  return std::uint64_t{static_cast<std::uint8_t>(phase)} << kPhaseAt |
         std::uint64_t{openings} << kOpeningsAt | std::uint64_t{failures} << kTickBits | ticks;
}

Instant BreakerWord::passable_from() const noexcept {
  switch (phase) {
    case Phase::kClosed: return Instant{};
    case Phase::kOpen: return instant_of(ticks);
    case Phase::kProbing: return instant_of(ticks) + kProbeMax;
  }
  return Instant{};
}

BreakerState BreakerWord::state(Instant now) const noexcept {
  if (phase == Phase::kClosed) return BreakerState::kClosed;
  return phase == Phase::kOpen && now < instant_of(ticks) ? BreakerState::kOpen
                                                          : BreakerState::kHalfOpen;
}

bool BreakerWord::is_probe(const BreakerEntry& entry) const noexcept {
  return phase == Phase::kProbing && entry.kind == BreakerEntry::Kind::kProbe &&
         ticks == ticks_of(entry.at);
}

BreakerWord BreakerWord::probed(Instant now) const noexcept {
  BreakerWord next = *this;
  next.phase = Phase::kProbing;
  next.ticks = ticks_of(now);
  return next;
}

BreakerWord BreakerWord::succeeded(const BreakerEntry& entry) const noexcept {
  BreakerWord next = *this;
  if (phase == Phase::kClosed) {
    if (ticks_of(entry.at) >= ticks) next.failures = 0;
  } else if (entry.kind == BreakerEntry::Kind::kProbe) {
    next = {.phase = Phase::kClosed, .openings = 0, .failures = 0, .ticks = ticks_of(entry.at)};
  }
  return next;
}

BreakerWord BreakerWord::failed(const BreakerEntry& entry, Instant now,
                                const BreakerPolicy& policy) const noexcept {
  if (is_probe(entry)) return opened(openings + 1, now, policy);
  if (phase != Phase::kClosed || ticks_of(entry.at) < ticks) return *this;
  if (policy.failures == 0) return *this;
  const std::uint32_t row = failures + 1;
  if (row >= std::min(policy.failures, kFailuresMax)) return opened(1, now, policy);
  BreakerWord next = *this;
  next.failures = row;
  return next;
}

BreakerWord BreakerWord::abandoned(const BreakerEntry& entry) const noexcept {
  BreakerWord next = *this;
  if (is_probe(entry)) {
    next.phase = Phase::kOpen;
    --next.ticks;  // until right before the probe began: that is over on any clock
  }
  return next;
}

}  // namespace sluice
