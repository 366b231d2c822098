#pragma once

#include <utility>

#include "base/assert.h"
#include "base/clock.h"
#include "engine/route/account.h"
#include "engine/route/account_state.h"

namespace sluice {

// Permit - the right to send one request to one account (INVARIANTS R1).
//
// Taken before the first upstream byte and settled exactly once, which the destructor asserts:
//   settle_sent()  when the last byte of the request has left, or, for a request that was cut off,
//                  when it is certain that no further byte will leave;
//   refund()       when no byte of it has left and none will.
//
// Owns      one token of its account's bucket until it is settled. Move-only.
// Affinity  the shard that took it.
// Lifetime  within that of the Directory from which it was taken.
class [[nodiscard]] Permit {
 public:
  Permit() = default;
  Permit(Permit&& other) noexcept
      : account_(other.account_), taken_(other.taken_), held_(std::exchange(other.held_, false)) {}
  Permit& operator=(Permit&& other) noexcept {
    SL_ASSERT(!held_);
    account_ = other.account_;
    taken_ = other.taken_;
    held_ = std::exchange(other.held_, false);
    return *this;
  }
  ~Permit() { SL_ASSERT(!held_); }

  // A permit of `account` if its bucket grants one now, else an empty one.
  static Permit take(const Account& account, Instant now) noexcept;
  // The same from what the account keeps for emergencies.
  static Permit take_emergency(const Account& account, Instant now) noexcept;

  void settle_sent(Instant now) noexcept;
  void refund(Instant now) noexcept;

  [[nodiscard]] bool held() const noexcept { return held_; }
  // Null for a permit that was never granted; remains after the permit is settled.
  [[nodiscard]] const Account* account() const noexcept { return account_; }
  [[nodiscard]] Instant taken_at() const noexcept { return taken_.at; }

 private:
  Permit(const Account& account, const Take& taken) noexcept
      : account_(taken.granted ? &account : nullptr), taken_(taken), held_(taken.granted) {}

  const Account* account_ = nullptr;
  Take taken_;
  bool held_ = false;
};

}  // namespace sluice
