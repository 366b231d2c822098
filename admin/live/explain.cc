#include "admin/live/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "admin/control_room.h"
#include "admin/routes/times.h"
#include "engine/proxy/decision_log.h"
#include "engine/route/outlook.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kCandidatesMax = 32;

std::string_view strategy_text(Strategy strategy) {
  switch (strategy) {
    case Strategy::kWeighted: return "weighted";
    case Strategy::kRoundRobin: return "round_robin";
    case Strategy::kOrdered: return "ordered";
    case Strategy::kLeastInflight: return "least_inflight";
    case Strategy::kLatency: return "latency";
    case Strategy::kCheapest: return "cheapest";
  }
  return "";
}

std::string_view level_text(Rung rung) {
  switch (rung) {
    case Rung::kPrimary: return "primary";
    case Rung::kFallback: return "fallback";
    case Rung::kEmergency: return "emergency";
    case Rung::kPatience:
    case Rung::kNone: break;
  }
  return "patience";
}

std::string_view reason_of(Strategy strategy) {
  switch (strategy) {
    case Strategy::kWeighted: return "of those that were free it was drawn by its free share";
    case Strategy::kRoundRobin: return "it was the next in turn";
    case Strategy::kOrdered: return "it was the first in order that was free";
    case Strategy::kLeastInflight: return "it had the fewest requests in flight";
    case Strategy::kLatency: return "of two that were drawn it answers sooner";
    case Strategy::kCheapest: return "it was the cheapest that was free";
  }
  return "";
}

std::string why_tried(const KeptDecision& kept, std::size_t number) {
  const DecisionStep& step = kept.steps[number].step;
  std::string why;
  if (number > 0 && kept.steps[number - 1].step.kind == StepKind::kWait)
    return "The wait was over: it had the first permit that came free.";
  switch (step.rung) {
    case Rung::kFallback: why = "No primary account was to be had; "; break;
    case Rung::kEmergency: why = "Nothing else was free: the emergency channel; "; break;
    case Rung::kPrimary:
    case Rung::kPatience:
    case Rung::kNone:
      why = number > 0 ? "The account before did not serve; " : "A primary account was free; ";
      break;
  }
  why += reason_of(kept.decision.strategy);
  return why + '.';
}

std::string why_of(const KeptDecision& kept, std::size_t number) {
  const DecisionStep& step = kept.steps[number].step;
  switch (step.kind) {
    case StepKind::kTry: return why_tried(kept, number);
    case StepKind::kWait:
      return fmt::format("No account of the {} pool had a permit: it stood in the queue.",
                         step.rung == Rung::kFallback ? "fallback" : "primary");
    case StepKind::kGiveUp: break;
  }
  return "No account was left that could serve it in its time.";
}

Json step_json(const KeptDecision& kept, std::size_t number, const TaggedAccounts& names) {
  const auto& [step, account] = kept.steps[number];
  constexpr std::array<std::string_view, 3> kKinds = {"try", "wait", "give_up"};
  return {{"kind", kKinds[static_cast<std::size_t>(step.kind)]},
          {"at_ms", step.at_us / 1e3},
          {"took_ms", step.took_us / 1e3},
          {"level", level_text(step.rung)},
          {"account", account.empty() ? Json() : Json(account)},
          {"backend_id", account.empty() ? Json() : Json(names.id_of(account))},
          {"outcome", kStepOutcomeNames[static_cast<std::size_t>(step.outcome)]},
          {"status", step.status == 0 ? Json() : Json(step.status)},
          {"why", why_of(kept, number)}};
}

// What stands between a candidate and a request of now.
std::string_view verdict_now(const Candidate& candidate, Instant now) {
  AccountState& state = *candidate.state;
  if (state.rejected(candidate.generation)) return "key_refused";
  if (state.cooldown().running(now)) return "cooling";
  if (state.on_hold(now)) return "on_hold";
  if (!state.breaker().passable(now)) return "breaker_open";
  if (state.crowded()) return "crowded";
  const auto spent = [](const auto& level) { return level && level->used >= level->limit; };
  if (spent(state.day_level(now))) return "day_spent";
  if (state.available(now) == 0) return "no_permit";
  if (spent(state.token_level(now))) return "no_tokens";
  return "eligible";
}

// How the request has met the account: as what served it, or as what was tried.
std::string_view verdict_then(const KeptDecision& kept, std::string_view account) {
  std::string_view verdict;
  for (const auto& [step, name] : kept.steps) {
    if (step.kind != StepKind::kTry || name != account) continue;
    const bool chosen = &step == &kept.steps.back().step || step.outcome == StepOutcome::kServed;
    verdict = chosen ? "chosen" : "tried";
  }
  return verdict;
}

struct Shown {
  const Candidate* candidate;
  std::string_view verdict;
  bool met = false;
  std::uint32_t tokens = 0;
};

Json candidate_json(const Shown& shown, const TaggedAccounts& names, Instant now) {
  const Candidate& candidate = *shown.candidate;
  const Account& account = *candidate.account;
  const Instant at = ready_at(candidate, now);
  return {{"account", account.name},
          {"backend_id", names.id_of(account.name)},
          {"pool", pool_text(account.pool)},
          {"verdict", shown.verdict},
          {"tokens", shown.tokens},
          {"capacity", candidate.state->limit()},
          {"inflight", candidate.state->in_flight()},
          {"weight", candidate.weight},
          {"ready_in_ms", at == kNever ? Json() : Json((at - now + 999us) / 1ms)}};
}

// Those that were tried first, then by pool and what is free.
std::vector<Shown> candidates_of(const Route& route, const KeptDecision& kept, Instant now) {
  const bool fell = std::ranges::any_of(
      kept.steps, [](const auto& step) { return step.step.rung != Rung::kPrimary; });
  std::vector<Shown> all;
  for (const Candidate& candidate : route.candidates) {
    Shown shown{.candidate = &candidate, .verdict = verdict_then(kept, candidate.account->name)};
    shown.met = !shown.verdict.empty();
    shown.tokens = std::min(candidate.state->available(now), candidate.state->limit());
    if (!shown.met) {
      const bool below = candidate.account->pool == Pool::kFallback && !fell;
      shown.verdict = below ? "not_reached" : verdict_now(candidate, now);
    }
    all.push_back(shown);
  }
  std::ranges::stable_sort(all, [](const Shown& a, const Shown& b) {
    if (a.met != b.met) return a.met;
    const Pool pool_a = a.candidate->account->pool, pool_b = b.candidate->account->pool;
    return pool_a != pool_b ? pool_a < pool_b : a.tokens > b.tokens;
  });
  return all;
}

// The latest that any shard has of that id.
std::optional<KeptDecision> find_decision(Gateway& gateway, std::string_view request_id) {
  std::optional<KeptDecision> latest;
  for (const DecisionLog* const decisions : gateway.decisions()) {
    auto kept = decisions->find(request_id);
    if (kept && (!latest || kept->decision.unix_ms > latest->decision.unix_ms))
      latest = std::move(kept);
  }
  return latest;
}

}  // namespace

std::optional<Json> explain_request(ControlRoom& room, std::string_view request_id) {
  Gateway& gateway = room.gateway();
  const auto kept = find_decision(gateway, request_id);
  if (!kept) return std::nullopt;
  const auto names = room.live().names();
  const auto directory = gateway.directory();
  const Instant now = gateway.clock().now();
  Json steps = Json::array();
  for (std::size_t i = 0; i < kept->steps.size(); ++i) steps.push_back(step_json(*kept, i, *names));
  Json candidates = Json::array();
  std::size_t total = 0;
  if (const Route* const route = directory->find_route(kept->model)) {
    const std::vector<Shown> all = candidates_of(*route, *kept, now);
    total = all.size();
    for (std::size_t i = 0; i < std::min(all.size(), kCandidatesMax); ++i)
      candidates.push_back(candidate_json(all[i], *names, now));
  }
  const Decision& decision = kept->decision;
  return Json{{"request_id", kept->request_id},
              {"at", rfc3339_text(decision.unix_ms)},
              {"model", kept->model},
              {"client", kept->client},
              {"priority", priority_text(decision.priority)},
              {"strategy", strategy_text(decision.strategy)},
              {"status", decision.status == 0 ? Json() : Json(decision.status)},
              {"queue_ms", decision.queue_us / 1e3},
              {"steps", steps},
              {"candidates", candidates},
              {"candidates_total", total},
              {"levels_at", "now"}};
}

}  // namespace sluice
