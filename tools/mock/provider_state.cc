#include "tools/mock/provider_state.h"

#include <algorithm>

#include "base/units.h"

namespace sluice {
namespace {

void refuse(Behaviour& behaviour, int status, std::string message, const char* code) {
  behaviour.head.status = status;
  behaviour.head.message = std::move(message);
  behaviour.head.error_code = code;
}

// As Go prints durations and OpenAI sends them: "120ms", "2.5s", "6m0s".
std::string go_duration(std::int64_t microseconds) {
  const std::int64_t ms = ceil_milliseconds(std::chrono::microseconds(microseconds));
  if (ms < 1000) return std::to_string(ms) + "ms";
  const std::int64_t minutes = ms / 60'000;
  std::string text = minutes > 0 ? std::to_string(minutes) + "m" : "";
  text += std::to_string(ms % 60'000 / 1000);
  if (ms % 1000 != 0) {
    std::string decimals = std::to_string(1000 + ms % 1000).substr(1);
    decimals.erase(decimals.find_last_not_of('0') + 1);
    text += "." + decimals;
  }
  return text + "s";
}

// The fields that tell a client how it stands, and the refusal when it is above.
void apply_limit(const LimitState& state, Behaviour& behaviour) {
  auto& fields = behaviour.head.fields;
  fields.push_back({"x-ratelimit-limit-requests", std::to_string(state.limit->requests)});
  fields.push_back({"x-ratelimit-remaining-requests", std::to_string(state.remaining)});
  fields.push_back({"x-ratelimit-reset-requests", go_duration(state.reset_us)});
  if (!state.refused) return;
  behaviour.head.status = 429;
  behaviour.latency = std::min<Duration>(behaviour.latency, 1ms);  // refusals are quick
  const Duration wait = std::chrono::microseconds(state.reset_us);
  const RetryAfterSpelling spelling = state.limit->retry_after;
  using enum RetryAfterSpelling;
  if (spelling == kSeconds || spelling == kBoth) {
    behaviour.head.retry_after = std::to_string(ceil_seconds(wait));
  }
  if (spelling == kMilliseconds || spelling == kBoth) {
    behaviour.head.retry_after_ms = std::to_string(ceil_milliseconds(wait));
  }
  if (spelling == kDate) behaviour.head.retry_after_date = wait;
}

// What the request itself asks for, above the script.
void apply_asked(const MockRequest& request, Behaviour& behaviour) {
  std::optional<std::string> fault = apply_directives(behaviour, request.model_directives());
  if (!fault) fault = apply_directives(behaviour, request.fault);
  if (!fault) return;
  behaviour = Behaviour{};
  refuse(behaviour, 400, *fault, "mock_directive");
}

void apply_list(const DirectiveList& directives, Behaviour& behaviour) {
  for (const auto& [name, value] : directives) {
    static_cast<void>(apply_directive(behaviour, name, value));  // checked by parse_script
  }
}

// 400, 401, 404 and 405, as a provider finds them before it looks at anything else.
bool refuse_wrong(const MockRequest& request, const MockScript& script, Behaviour& behaviour) {
  const auto& keys = script.keys;
  if (!keys.empty() && std::find(keys.begin(), keys.end(), request.key) == keys.end()) {
    const bool none = request.key.empty();
    refuse(behaviour, 401, none ? "You didn't provide an API key." : "Incorrect API key provided.",
           "invalid_api_key");
    return true;
  }
  if (takes_json(request.endpoint)) {
    if (request.method != "POST") {
      refuse(behaviour, 405, "Only POST is allowed here.", "method_not_allowed");
      behaviour.head.fields.push_back({"allow", "POST"});
      return true;
    }
    if (!request.facts.is_object) {
      refuse(behaviour, 400, "The body is not a JSON object.", "invalid_json");
      return true;
    }
    const auto& models = script.models;
    const std::string model(request.model_name());
    if (script.strict_models && std::find(models.begin(), models.end(), model) == models.end()) {
      refuse(behaviour, 404, "The model '" + model + "' does not exist", "model_not_found");
      return true;
    }
  }
  return false;
}

}  // namespace

ProviderState::ProviderState(MockScript script, std::size_t ledger_max)
    : start_script_(std::move(script)), ledger_(ledger_max), limits_({}), prng_(1) {
  adopt(start_script_);
}

std::shared_ptr<const MockScript> ProviderState::script() const {
  const std::lock_guard lock(mutex_);
  return script_;
}

std::expected<void, std::string> ProviderState::set_script(std::string_view text) {
  std::expected<MockScript, std::string> script = parse_script(text, start_script_);
  if (!script) return std::unexpected(script.error());
  const std::lock_guard lock(mutex_);
  adopt(std::move(*script));
  return {};
}

void ProviderState::restore_script() {
  const std::lock_guard lock(mutex_);
  adopt(start_script_);
}

void ProviderState::adopt(MockScript script) {
  rule_counts_.assign(script.rules.size(), {});
  limits_ = KeyLimits(script.limits);
  prng_ = Prng(script.seed);
  script_ = std::make_shared<const MockScript>(std::move(script));
}

int ProviderState::choose_rule(const MockRequest& request, bool early) {
  for (std::size_t i = 0; i < script_->rules.size(); ++i) {
    const Rule& rule = script_->rules[i];
    if (rule.early != early || !rule.match.holds(request)) continue;
    RuleCount& count = rule_counts_[i];
    const std::uint64_t nth = ++count.held;
    if (nth < rule.match.nth_first || nth > rule.match.nth_last) continue;
    if (nth % rule.match.every != 0 || count.taken >= rule.times) continue;
    if (rule.match.probability < 1 && prng_.unit() >= rule.match.probability) continue;
    ++count.taken;
    return static_cast<int>(i);
  }
  return -1;
}

void ProviderState::apply_error_rates(Behaviour& behaviour) {
  double draw = script_->error_rates.empty() ? 1 : prng_.unit();
  for (const ErrorRate& rate : script_->error_rates) {
    if (draw < rate.probability) {
      behaviour.head.status = rate.status;
      return;
    }
    draw -= rate.probability;
  }
}

std::optional<Verdict> ProviderState::decide_early(const MockRequest& request) {
  const std::lock_guard lock(mutex_);
  Verdict verdict{.behaviour = script_->defaults, .script = script_};
  verdict.rule = choose_rule(request, true);
  if (verdict.rule >= 0) {
    apply_list(script_->rules[static_cast<std::size_t>(verdict.rule)].directives,
               verdict.behaviour);
  }
  apply_asked(request, verdict.behaviour);
  if (verdict.behaviour.fault.early == Early::kNo) return std::nullopt;
  return verdict;
}

Verdict ProviderState::decide(const MockRequest& request, std::int64_t unix_us) {
  const std::lock_guard lock(mutex_);
  Verdict verdict{.behaviour = script_->defaults, .script = script_};
  if (refuse_wrong(request, *script_, verdict.behaviour)) return verdict;
  const bool counts =
      request.endpoint != MockEndpoint::kModels && request.endpoint != MockEndpoint::kModel;
  std::optional<LimitState> state;
  if (counts) state = limits_.count(request.key, unix_us);
  if (state) {
    apply_limit(*state, verdict.behaviour);
    if (state->refused) return verdict;
  }
  verdict.rule = choose_rule(request, false);
  if (verdict.rule >= 0) {
    apply_list(script_->rules[static_cast<std::size_t>(verdict.rule)].directives,
               verdict.behaviour);
  } else {
    apply_error_rates(verdict.behaviour);
  }
  apply_asked(request, verdict.behaviour);
  return verdict;
}

}  // namespace sluice
