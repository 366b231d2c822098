#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/unwritten_array.h"
#include "engine/route/choice.h"
#include "engine/route/directory.h"

namespace sluice {

// What stood between a candidate and a request.
enum class CandidateVerdict : std::uint8_t {
  kChosen,
  kEligible,     // free, but the strategy preferred another
  kNoPermit,     // no request left in its window
  kNoTokens,     // ... no tokens for this one
  kDaySpent,     // ... no request left of its day
  kCrowded,      // as many requests are in flight as may be
  kOnHold,       // its provider said that nothing is left
  kCooling,      // it has answered 429
  kBreakerOpen,  // it only failed
  kKeyRefused,   // 401
  kHeld,         // what it has is for those who wait, or for more urgent ones
  kTried,        // by this request, before
  kNotReached,   // of a lower rung than the one that served
};
inline constexpr std::array<std::string_view, 13> kVerdictNames = {
    "chosen",  "eligible",     "no_permit",   "no_tokens", "day_spent", "crowded",    "on_hold",
    "cooling", "breaker_open", "key_refused", "held",      "tried",     "not_reached"};

// CandidateLook - one candidate as a decision found it.
struct CandidateLook {
  static constexpr std::uint32_t kNotByItself = ~std::uint32_t{0};

  // Permits of its window, before the chosen one's was taken. Where there are any, those that came
  // back in the last second may be missing.
  std::uint32_t free = 0;
  std::uint32_t limit = 0;          // in force
  std::uint32_t ready_ms = 0;       // until it has a permit for this request; 0: it has
  std::uint16_t in_flight = 0;      // 65,535: so many or more
  std::uint16_t weight = 0;         // likewise
  Label label = LabelNames::kNone;  // the account's name
  CandidateVerdict verdict = CandidateVerdict::kEligible;
  Pool pool = Pool::kPrimary;
};
static_assert(sizeof(CandidateLook) == 20);

// `candidate` as it is now for a request, whatever the request has tried.
[[nodiscard]] CandidateLook look_at(const Candidate& candidate, const Demand& demand,
                                    Priority priority, Instant now) noexcept;

// DecisionLooks - what the decisions of one request had before them: of each the candidates that
// mattered, as they were at that moment.
//
// Of a route with more than kPerDecision candidates these are the chosen one, those that the
// balancer looked at and passed over, and, while there is room, those that stand behind the chosen
// one in the route. How many there were is kept, too.
//
// Affinity  one shard. Lifetime: its request's.
// Size      616 bytes; nothing of it is written before it is used.
// Limits    kLooksMax of all decisions together: of later ones fewer are kept, or none.
// Cost      bench/route_bench, ladder_decision: it is part of each.
class DecisionLooks {
 public:
  static constexpr std::size_t kPerDecision = 12;
  static constexpr std::size_t kLooksMax = 24;
  static constexpr std::size_t kDecisionsMax = 8;

  struct Decision {
    Choice::Kind kind = Choice::Kind::kExhausted;
    Rung rung = Rung::kPrimary;
    std::uint8_t first = 0;  // of the looks
    std::uint8_t looks = 0;
    std::uint16_t candidates = 0;      // of the route
    Label chosen = LabelNames::kNone;  // kTry: the account's
  };

  DecisionLooks() noexcept {}

  // A decision begins, on a route with so many candidates.
  void begin(std::size_t candidates) noexcept {
    passed_over_ = 0;
    notes_ = candidates > kPerDecision;
  }
  // The balancer looked at the candidate there and did not take it.
  void pass_over(std::uint32_t position) noexcept {
    if (notes_ && passed_over_ < kPerDecision) positions_[passed_over_++] = position;
  }
  // It has ended with `choice`: at once, before anybody takes anything else.
  void keep(const Route& route, const Seeker& seeker, const Choice& choice, Instant now) noexcept;

  [[nodiscard]] std::span<const Decision> decisions() const noexcept {
    return {decisions_.data(), count_};
  }
  [[nodiscard]] std::span<const CandidateLook> looks_of(const Decision& decision) const noexcept {
    return {looks_.data() + decision.first, decision.looks};
  }

 private:
  struct Scene;  // what all looks of a decision have in common
  void add_all(const Scene& scene) noexcept;
  void add(const Scene& scene, std::uint32_t position) noexcept;
  void add_some(const Scene& scene, std::size_t room) noexcept;

  UnwrittenArray<CandidateLook, kLooksMax> looks_;
  UnwrittenArray<Decision, kDecisionsMax> decisions_;
  std::array<std::uint32_t, kPerDecision> positions_;  // of those that were passed over
  std::size_t count_ = 0;
  std::size_t used_ = 0;  // of the looks
  std::uint32_t passed_over_ = 0;
  bool notes_ = false;
};

}  // namespace sluice
