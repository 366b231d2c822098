#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/prng.h"
#include "engine/route/directory.h"
#include "engine/route/permit.h"

namespace sluice {

// RoundRobin - where the round_robin strategy goes on, for each route and pool of its own, so that
// models that alternate do not keep each other's turns. Directories with more than 128 routes share
// places, which moves a turn and loses none.
//
// Affinity  one shard. Size: 1 KiB.
class RoundRobin {
 public:
  [[nodiscard]] std::uint32_t& next(const Route& route, Pool pool) noexcept {
    return next_[(route.id * 2 + (pool == Pool::kFallback)) % next_.size()];
  }

 private:
  std::array<std::uint32_t, 256> next_{};
};

// How a try ended, as far as its account is concerned.
enum class TryOutcome : std::uint8_t {
  kServed,         // an answer that is the client's to have
  kClientFault,    // 4xx that speaks of the request: R4, no mark
  kRateLimited,    // 429
  kAuthRejected,   // 401
  kServerError,    // 5xx
  kConnectFailed,  // no byte left
  kTimedOut,       // no first byte in time
  kClientGone,     // R4, no mark
};

// Choice - the ladder's next step.
struct Choice {
  enum class Kind : std::uint8_t { kTry, kUnknownModel, kExhausted };

  Kind kind = Kind::kExhausted;
  Pool pool = Pool::kPrimary;     // kTry: kFallback is what x-sluice-degraded tells
  Permit permit;                  // kTry: held
  std::string_view native_model;  // kTry: a view into the directory or into the ladder's model
  // kExhausted: the earliest instant at which an account that maps the model will have a permit and
  // not be cooling, `now` if that is so of one which this ladder has tried; kNever when all are in
  // error or disabled.
  Instant retry_at{};
};

// Ladder - finds the accounts for one request, one after the other (docs/DESIGN.md, The routing
// ladder): primary pool before fallback, within a pool by strategy; each account at most once.
//
//   Ladder ladder(directory, prng, round_robin, model);
//   for (Choice choice = ladder.next(now); choice.kind == kTry; choice = ladder.next(now)) {
//     ... send; choice.permit.settle_sent(now) or .refund(now) ...
//     ladder.report(choice.permit, outcome, retry_after, now);
//   }
//
// Owns      the marks of who was tried; no memory besides itself.
// Affinity  one shard. Lifetime: one request, within that of its directory and of `model`.
class Ladder {
 public:
  Ladder(const Directory& directory, Prng& prng, RoundRobin& round_robin,
         std::string_view model) noexcept
      : directory_(directory),
        route_(directory.find_route(model)),
        prng_(prng),
        round_robin_(round_robin),
        model_(model) {}

  [[nodiscard]] Choice next(Instant now) noexcept;

  // Marks the account of a try that has ended. The change of its cooldown, for kRateLimited:
  // `started` is one event for the record.
  CooldownChange report(const Permit& permit, TryOutcome outcome,
                        std::optional<Duration> retry_after, Instant now) noexcept;

 private:
  [[nodiscard]] bool choose(Pool pool, Instant now, Choice& choice) noexcept;
  [[nodiscard]] bool choose_ordered(Route::Range range, Instant now, Choice& choice) noexcept;
  [[nodiscard]] bool choose_round_robin(Pool pool, Instant now, Choice& choice) noexcept;
  [[nodiscard]] bool choose_weighted(Route::Range range, Instant now, Choice& choice) noexcept;
  [[nodiscard]] bool draw_weighted(Route::Range range, Instant now, Choice& choice) noexcept;

  [[nodiscard]] bool ready(std::uint32_t position, Instant now) const noexcept;
  [[nodiscard]] double share(std::uint32_t position, Instant now) const noexcept;
  [[nodiscard]] bool take(std::uint32_t position, Instant now, Choice& choice) noexcept;
  [[nodiscard]] Instant earliest(Instant now) const noexcept;

  const Directory& directory_;
  const Route* route_;  // null: no account serves the model
  Prng& prng_;
  RoundRobin& round_robin_;
  std::string_view model_;
  std::array<std::uint64_t, kDirectoryAccountsMax / 64> tried_{};  // by position in the route
};

}  // namespace sluice
