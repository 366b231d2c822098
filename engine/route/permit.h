#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/clock.h"
#include "engine/route/account.h"
#include "engine/route/account_state.h"

namespace sluice {

// Permit - the right to send one request to one account (INVARIANTS R1): one request of its bucket
// and of its day, the tokens it may need, a place among those in flight. All of it or nothing.
//
// Taken before the first upstream byte and handed back in one of two ways, which the destructor
// asserts:
//   refund()       when no byte of the request has left and none will; or
//   settle_sent()  when the last byte of the request has left, or, for a request that was cut off,
//                  when it is certain that no further byte will leave; and then
//   finish()       when the exchange with the account is over.
//
// Owns      what it holds of its account. Move-only.
// Affinity  the shard that took it.
// Lifetime  within that of the Directory from which it was taken.
class [[nodiscard]] Permit {
 public:
  Permit() = default;
  Permit(Permit&& other) noexcept
      : account_(other.account_),
        grant_(other.grant_),
        phase_(std::exchange(other.phase_, Phase::kOver)) {}
  Permit& operator=(Permit&& other) noexcept {
    SL_ASSERT(phase_ == Phase::kOver);
    account_ = other.account_;
    grant_ = other.grant_;
    phase_ = std::exchange(other.phase_, Phase::kOver);
    return *this;
  }
  ~Permit() { SL_ASSERT(phase_ == Phase::kOver); }

  // A permit of `account` if it grants one now, else an empty one.
  static Permit take(const Account& account, Instant now, const Demand& demand = {}) noexcept;
  // The same from what the account keeps for emergencies.
  static Permit take_emergency(const Account& account, Instant now,
                               const Demand& demand = {}) noexcept;
  // The same in its place, into one that is over; false, and still over, when none is granted.
  [[nodiscard]] bool acquire(const Account& account, bool emergency, Instant now,
                             const Demand& demand) noexcept;

  void settle_sent(Instant now) noexcept {
    SL_ASSERT(phase_ == Phase::kHeld);
    phase_ = Phase::kSent;
    account_->state->settle_sent(grant_.request, now);
  }
  void refund(Instant now) noexcept {
    SL_ASSERT(phase_ == Phase::kHeld);
    abandoned();
    phase_ = Phase::kOver;
    account_->state->undo(grant_, now);
  }
  // `used`: nothing when nobody told; then what was reserved counts.
  void finish(const std::optional<TokensUsed>& used, Instant now) noexcept {
    SL_ASSERT(phase_ == Phase::kSent);
    abandoned();
    phase_ = Phase::kOver;
    account_->state->finish(grant_, used, now);
  }

  // How the try ended, for the account's breaker; before refund() or finish(), each of which says
  // otherwise that it tells nothing. The first word counts.
  void succeeded() noexcept {
    const BreakerEntry entry = take_entry();
    if (entry.granted()) account_->state->breaker().succeeded(entry);
  }
  BreakerChange failed(const BreakerPolicy& policy, Instant now) noexcept;
  void abandoned() noexcept {
    const BreakerEntry entry = take_entry();
    if (entry.granted()) account_->state->breaker().abandoned(entry);
  }

  // The breaker is half-open, and this request is its probe; until the outcome is told.
  [[nodiscard]] bool probing() const noexcept {
    return grant_.breaker.kind == BreakerEntry::Kind::kProbe;
  }

  // No byte has left yet, as far as the permit knows.
  [[nodiscard]] bool held() const noexcept { return phase_ == Phase::kHeld; }
  // Nothing is held: it was handed back, given away, or never granted.
  [[nodiscard]] bool over() const noexcept { return phase_ == Phase::kOver; }
  // Null for a permit that was never granted; remains when the permit is over.
  [[nodiscard]] const Account* account() const noexcept { return account_; }
  [[nodiscard]] Instant taken_at() const noexcept { return grant_.request.at; }
  [[nodiscard]] std::uint32_t tokens_reserved() const noexcept { return grant_.tokens.units; }

 private:
  enum class Phase : std::uint8_t { kOver, kHeld, kSent };

  [[nodiscard]] BreakerEntry take_entry() noexcept {
    return std::exchange(grant_.breaker, BreakerEntry{});
  }

  const Account* account_ = nullptr;
  Grant grant_;
  Phase phase_ = Phase::kOver;
};

}  // namespace sluice
