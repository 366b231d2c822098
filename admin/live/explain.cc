#include "admin/live/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "admin/control_room.h"
#include "admin/routes/times.h"
#include "engine/proxy/decision_log.h"
#include "engine/route/decision_looks.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

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

// Why a step was made: for who says it in another language, and in a sentence.
struct StepReason {
  std::string_view reason;
  std::string why;
};

StepReason why_tried(const KeptDecision& kept, std::size_t number) {
  const DecisionStep& step = kept.steps[number].step;
  if (number > 0 && kept.steps[number - 1].step.kind == StepKind::kWait)
    return {"first_permit", "The wait was over: it had the first permit that came free."};
  StepReason found;
  switch (step.rung) {
    case Rung::kFallback: found = {"no_primary", "No primary account was to be had; "}; break;
    case Rung::kEmergency:
      found = {"emergency", "Nothing else was free: the emergency channel; "};
      break;
    case Rung::kPrimary:
    case Rung::kPatience:
    case Rung::kNone:
      if (number > 0) found = {"other_failed", "The account before did not serve; "};
      else found = {"primary_free", "A primary account was free; "};
      break;
  }
  found.why += reason_of(kept.decision.strategy);
  found.why += '.';
  return found;
}

StepReason why_of(const KeptDecision& kept, std::size_t number) {
  const DecisionStep& step = kept.steps[number].step;
  switch (step.kind) {
    case StepKind::kTry: return why_tried(kept, number);
    case StepKind::kWait:
      return {"no_permit",
              fmt::format("No account of the {} pool had a permit: it stood in the queue.",
                          step.rung == Rung::kFallback ? "fallback" : "primary")};
    case StepKind::kGiveUp: break;
  }
  return {"nobody_left", "No account was left that could serve it in its time."};
}

Choice::Kind decision_of(StepKind kind) {
  switch (kind) {
    case StepKind::kTry: return Choice::Kind::kTry;
    case StepKind::kWait: return Choice::Kind::kWait;
    case StepKind::kGiveUp: break;
  }
  return Choice::Kind::kExhausted;
}

// The decision that each step followed; null where it was not kept. Steps of one kind (tries: of
// one account) and their decisions come in the same order.
std::vector<const KeptDecision::Looks*> looks_of_steps(const KeptDecision& kept,
                                                       const Directory& directory) {
  std::vector<const KeptDecision::Looks*> found;
  std::vector<bool> used(kept.looks.size());
  for (const auto& [step, account] : kept.steps) {
    found.push_back(nullptr);
    for (std::size_t i = 0; i < kept.looks.size() && found.back() == nullptr; ++i) {
      const DecisionLooks::Decision& decision = kept.looks[i].decision;
      if (used[i] || decision.kind != decision_of(step.kind)) continue;
      if (step.kind == StepKind::kTry && directory.labels.text(decision.chosen) != account)
        continue;
      found.back() = &kept.looks[i];
      used[i] = true;
    }
  }
  return found;
}

Json candidate_json(const CandidateLook& look, std::string_view account,
                    const TaggedAccounts& names) {
  return {
      {"account", account},
      {"backend_id", names.id_of(account)},
      {"pool", pool_text(look.pool)},
      {"verdict", kVerdictNames[static_cast<std::size_t>(look.verdict)]},
      {"tokens", look.free},
      {"capacity", look.limit},
      {"inflight", look.in_flight},
      {"weight", look.weight},
      {"ready_in_ms", look.ready_ms == CandidateLook::kNotByItself ? Json() : Json(look.ready_ms)}};
}

// The chosen one first, then those that were tried, then by pool and what was free.
bool comes_first(const CandidateLook& a, const CandidateLook& b) {
  const auto rank = [](const CandidateLook& look) {
    return look.verdict == CandidateVerdict::kChosen  ? 0
           : look.verdict == CandidateVerdict::kTried ? 1
                                                      : 2;
  };
  if (rank(a) != rank(b)) return rank(a) < rank(b);
  return a.pool != b.pool ? a.pool < b.pool : a.free > b.free;
}

struct Shown {
  Json candidates = Json::array();
  std::size_t total = 0;
};

Shown show(const KeptDecision::Looks* looks, const Directory& directory,
           const TaggedAccounts& names) {
  Shown shown;
  if (looks == nullptr) return shown;
  shown.total = looks->decision.candidates;
  std::vector<CandidateLook> sorted = looks->candidates;
  std::ranges::stable_sort(sorted, comes_first);
  for (const CandidateLook& look : sorted)
    shown.candidates.push_back(candidate_json(look, directory.labels.text(look.label), names));
  return shown;
}

// Where no decision was kept: how the candidates of the model stand now.
Shown show_now(const KeptDecision& kept, const Directory& directory, const TaggedAccounts& names,
               Instant now) {
  Shown shown;
  const Route* const route = directory.find_route(kept.model);
  if (route == nullptr) return shown;
  shown.total = route->candidates.size();
  for (const Candidate& candidate : route->candidates) {
    if (shown.candidates.size() == DecisionLooks::kPerDecision) break;
    const CandidateLook look = look_at(candidate, {}, kept.decision.priority, now);
    shown.candidates.push_back(candidate_json(look, candidate.account->name, names));
  }
  return shown;
}

Json step_json(const KeptDecision& kept, std::size_t number, const Shown& shown,
               const TaggedAccounts& names) {
  const auto& [step, account] = kept.steps[number];
  constexpr std::array<std::string_view, 3> kKinds = {"try", "wait", "give_up"};
  const StepReason reason = why_of(kept, number);
  return {{"kind", kKinds[static_cast<std::size_t>(step.kind)]},
          {"at_ms", step.at_us / 1e3},
          {"took_ms", step.took_us / 1e3},
          {"level", level_text(step.rung)},
          {"account", account.empty() ? Json() : Json(account)},
          {"backend_id", account.empty() ? Json() : Json(names.id_of(account))},
          {"outcome", kStepOutcomeNames[static_cast<std::size_t>(step.outcome)]},
          {"status", step.status == 0 ? Json() : Json(step.status)},
          {"reason", reason.reason},
          {"why", reason.why},
          {"candidates", shown.candidates},
          {"candidates_total", shown.total}};
}

// The latest that any shard has of that id; with a row, the one that has it.
std::optional<KeptDecision> find_decision(Gateway& gateway, std::string_view request_id,
                                          const std::optional<RequestKey>& row) {
  std::optional<DecisionRow> wanted;
  if (row) wanted = {static_cast<std::int64_t>(row->unix_ms), row->sequence};
  std::optional<KeptDecision> latest;
  for (const DecisionLog* const decisions : gateway.decisions()) {
    auto kept = decisions->find(request_id, wanted);
    if (kept && (!latest || kept->decision.unix_ms > latest->decision.unix_ms))
      latest = std::move(kept);
  }
  return latest;
}

}  // namespace

std::optional<Json> explain_request(ControlRoom& room, std::string_view request_id,
                                    const std::optional<RequestKey>& row) {
  Gateway& gateway = room.gateway();
  const auto kept = find_decision(gateway, request_id, row);
  if (!kept) return std::nullopt;
  const auto names = room.live().names();
  const auto directory = gateway.directory();
  const auto looks = looks_of_steps(*kept, *directory);
  Json steps = Json::array();
  Shown last;  // of the last step of which they were kept
  for (std::size_t i = 0; i < kept->steps.size(); ++i) {
    Shown shown = show(looks[i], *directory, *names);
    steps.push_back(step_json(*kept, i, shown, *names));
    if (looks[i] != nullptr) last = std::move(shown);
  }
  const bool of_then = !last.candidates.empty();
  if (!of_then) last = show_now(*kept, *directory, *names, gateway.clock().now());
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
              {"steps_dropped", kept->steps_dropped},
              {"candidates", last.candidates},
              {"candidates_total", last.total},
              {"levels_at", of_then ? "decision" : "now"}};
}

}  // namespace sluice
