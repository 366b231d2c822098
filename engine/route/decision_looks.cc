#include "engine/route/decision_looks.h"

#include <algorithm>
#include <limits>

#include "engine/route/outlook.h"

namespace sluice {
namespace {

constexpr std::uint32_t kNobody = ~std::uint32_t{0};

template <class To>
To at_most(std::uint64_t value) noexcept {
  return static_cast<To>(std::min<std::uint64_t>(value, std::numeric_limits<To>::max()));
}

CandidateVerdict verdict_of(const Candidate& candidate, const AccountState::Level& level,
                            const Demand& demand, Priority priority, Instant now) noexcept {
  AccountState& state = *candidate.state;
  if (state.rejected(candidate.generation)) return CandidateVerdict::kKeyRefused;
  if (state.cooldown().running(now)) return CandidateVerdict::kCooling;
  if (state.on_hold(now)) return CandidateVerdict::kOnHold;
  if (!state.breaker().passable(now)) return CandidateVerdict::kBreakerOpen;
  if (state.crowded()) return CandidateVerdict::kCrowded;
  if (!state.day_has_room(now)) return CandidateVerdict::kDaySpent;
  if (level.free == 0) return CandidateVerdict::kNoPermit;
  if (!state.tokens_have_room(demand, now)) return CandidateVerdict::kNoTokens;
  if (level.free_for_it == 0 || state.wanted().by(priority)) return CandidateVerdict::kHeld;
  return CandidateVerdict::kEligible;
}

std::uint32_t ready_ms(const Candidate& candidate, CandidateVerdict verdict, const Demand& demand,
                       Instant now) noexcept {
  if (verdict == CandidateVerdict::kEligible) return 0;
  if (verdict == CandidateVerdict::kHeld) return CandidateLook::kNotByItself;
  const Instant at = ready_at(candidate, now, demand);
  if (at == kNever) return CandidateLook::kNotByItself;
  return std::min(at_most<std::uint32_t>(static_cast<std::uint64_t>((at - now + 999us) / 1ms)),
                  CandidateLook::kNotByItself - 1);
}

}  // namespace

CandidateLook look_at(const Candidate& candidate, const Demand& demand, Priority priority,
                      Instant now) noexcept {
  const AccountState::Level level = candidate.state->level(now, demand.patient);
  const CandidateVerdict verdict = verdict_of(candidate, level, demand, priority, now);
  return {.free = level.free,
          .limit = level.limit,
          .ready_ms = ready_ms(candidate, verdict, demand, now),
          .in_flight = at_most<std::uint16_t>(candidate.state->in_flight()),
          .weight = at_most<std::uint16_t>(candidate.weight),
          .label = candidate.label,
          .verdict = verdict,
          .pool = candidate.pool};
}

struct DecisionLooks::Scene {
  const Route& route;
  const Seeker& seeker;
  std::uint32_t chosen;  // kNobody: none
  bool reaches_fallback;
  Instant now;
};

namespace {

// Nearly all looks are at accounts of which nothing is to be told but their numbers.
[[gnu::always_inline]] inline void take_look(const Candidate& candidate, const Seeker& seeker,
                                             Instant now, CandidateLook& out) noexcept {
  AccountState::Glance seen;
  if (!candidate.state->glance(candidate.generation, now, seen)) [[unlikely]] {
    out = look_at(candidate, seeker.demand, seeker.priority, now);
    return;
  }
  out.free = seen.free;
  out.limit = seen.limit;
  out.ready_ms = 0;
  out.in_flight = at_most<std::uint16_t>(seen.in_flight);
  out.weight = static_cast<std::uint16_t>(candidate.weight);  // at most 1,000
  out.label = candidate.label;
  out.verdict = CandidateVerdict::kEligible;
  out.pool = candidate.pool;
}

// As it was before its permit was taken.
void mark_chosen(CandidateLook& look) noexcept {
  look.verdict = CandidateVerdict::kChosen;
  look.ready_ms = 0;
  look.free = std::min(look.free + 1, look.limit);
  if (look.in_flight > 0) --look.in_flight;
}

}  // namespace

inline void DecisionLooks::add_all(const Scene& scene) noexcept {
  CandidateLook* const first = looks_.data() + used_;
  for (const Candidate& candidate : scene.route.candidates)
    take_look(candidate, scene.seeker, scene.now, looks_.make(used_++));
  const auto total = static_cast<std::uint32_t>(looks_.data() + used_ - first);
  if (!scene.reaches_fallback) {
    for (std::uint32_t i = scene.route.primary_count; i < total; ++i)
      first[i].verdict = CandidateVerdict::kNotReached;
  }
  TriedMarks tried = scene.seeker.tried;
  if (scene.chosen != kNobody) tried.clear(scene.chosen);
  if (tried.any()) {
    for (std::uint32_t i = 0; i < total; ++i)
      if (tried.has(i)) first[i].verdict = CandidateVerdict::kTried;
  }
  if (scene.chosen != kNobody) mark_chosen(first[scene.chosen]);
}

void DecisionLooks::keep(const Route& route, const Seeker& seeker, const Choice& choice,
                         Instant now) noexcept {
  const std::size_t room = std::min(kLooksMax - used_, kPerDecision);
  if (count_ == kDecisionsMax || room == 0) return;
  const bool taken = choice.kind == Choice::Kind::kTry;
  const Scene scene{.route = route,
                    .seeker = seeker,
                    .chosen = taken ? choice.position : kNobody,
                    .reaches_fallback = choice.rung != Rung::kPrimary,
                    .now = now};
  Decision& decision = decisions_.put(
      count_++, {.kind = choice.kind,
                 .rung = choice.rung,
                 .first = static_cast<std::uint8_t>(used_),
                 .looks = 0,
                 .candidates = static_cast<std::uint16_t>(route.candidates.size()),
                 .chosen = taken ? route.candidates[choice.position].label : LabelNames::kNone});
  if (route.candidates.size() <= room) add_all(scene);
  else add_some(scene, room);
  decision.looks = static_cast<std::uint8_t>(used_ - decision.first);
}

// The chosen one, those before it, those behind it.
void DecisionLooks::add_some(const Scene& scene, std::size_t room) noexcept {
  const std::size_t end = used_ + room;
  const auto total = static_cast<std::uint32_t>(scene.route.candidates.size());
  std::array<std::uint32_t, kPerDecision> added;
  std::size_t count = 0;
  const auto add_once = [&](std::uint32_t position) {
    for (std::size_t i = 0; i < count; ++i) {
      if (added[i] == position) return;
    }
    added[count++] = position;
    add(scene, position);
  };
  if (scene.chosen != kNobody) add_once(scene.chosen);
  for (std::uint32_t i = 0; i < passed_over_ && used_ < end; ++i) add_once(positions_[i]);
  std::uint32_t next = scene.chosen == kNobody ? 0 : scene.chosen;
  for (; used_ < end; next = next + 1 == total ? 0 : next + 1) add_once(next);
}

void DecisionLooks::add(const Scene& scene, std::uint32_t position) noexcept {
  const Candidate& candidate = scene.route.candidates[position];
  CandidateLook& look = looks_.make(used_++);
  take_look(candidate, scene.seeker, scene.now, look);
  if (position == scene.chosen) mark_chosen(look);
  else if (scene.seeker.tried.has(position)) look.verdict = CandidateVerdict::kTried;
  else if (candidate.pool == Pool::kFallback && !scene.reaches_fallback)
    look.verdict = CandidateVerdict::kNotReached;
}

}  // namespace sluice
