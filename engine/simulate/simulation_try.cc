// One try with one account, as proxy/ask_account.cc and try_account.cc go about it.
#include <algorithm>
#include <utility>

#include "base/draw.h"
#include "engine/simulate/simulation.h"

namespace sluice {

// A key is what a provider knows an account by: with another one it counts anew.
std::string provider_id(const Account& account) {
  return account.name + '\n' + std::string(account.api_key.reveal());
}

std::uint32_t Simulation::add_provider(std::string id, const ProviderModel& model) {
  const auto place = static_cast<std::uint32_t>(providers_.size());
  providers_.emplace_back(model, id);
  provider_by_id_.emplace(std::move(id), place);
  tally_.accounts.push_back({.name = model.account});
  return place;
}

std::uint32_t Simulation::provider_of(const Account& account) {
  std::string id = provider_id(account);
  if (const auto found = provider_by_id_.find(id); found != provider_by_id_.end())
    return found->second;
  const auto planned = std::ranges::find(plan_.providers, account.name, &ProviderModel::account);
  const bool usual = planned == plan_.providers.end();
  return add_provider(std::move(id), usual ? ProviderModel{.account = account.name,
                                                           .limit = account.rpm_limit,
                                                           .window = account.window,
                                                           .tokens_limit = account.tpm_limit}
                                           : *planned);
}

void Simulation::handle_of_try(What what, SimRequest& request) {
  if (what == What::kFirstByte) return first_byte(request);
  if (what == What::kLastByte) return last_byte(request);
  if (what == What::kConnectFailed) return connect_failed(request);
  answered(request);
}

void Simulation::begin_try(SimRequest& request, Choice choice, bool granted) {
  ++request.stamp;
  ++request.attempts;
  ++tally_.attempts;
  request.stage = SimRequest::Stage::kConnecting;
  request.choice = std::move(choice);
  if (request.choice.permit.held()) request.account = request.choice.permit.account();
  request.provider = provider_of(*request.account);
  request.reply.reset();
  observer_.on_try(request, granted, now_);
  if (request.gone) return call_off_try(request);
  const Duration connect = draw_up_to(prng_, plan_.connect_max);
  const bool reachable = providers_[request.provider].reachable(now_, prng_);
  if (reachable && connect == Duration::zero()) return first_byte(request);
  plan_in(connect, {.what = reachable ? What::kFirstByte : What::kConnectFailed,
                    .slot = request.slot,
                    .stamp = request.stamp});
}

void Simulation::connect_failed(SimRequest& request) {
  ++tally_.accounts[request.provider].failed;
  report(request, TryOutcome::kConnectFailed);
  hand_back(request, std::nullopt);
  if (plan_.plain_round_robin) return end(request, SimEnding::kProviderFailed);
  next_step(request, true);
}

// Some providers count a request when its head comes, others when it is complete.
void Simulation::first_byte(SimRequest& request) {
  request.stage = SimRequest::Stage::kSending;
  Duration upload{};
  if (plan_.slow_upload_share > 0 && prng_.unit() < plan_.slow_upload_share) {
    upload = draw_up_to(prng_, plan_.slow_upload_max);
  }
  request.last_byte_at = now_ + upload;
  request.seen_early = upload > Duration::zero() && prng_.below(2) == 0;
  if (request.seen_early) {
    plan_in(draw_up_to(prng_, plan_.jitter_max), {.what = What::kAtProvider,
                                                  .slot = request.slot,
                                                  .stamp = request.stamp,
                                                  .provider = request.provider,
                                                  .taken_at = request.choice.permit.taken_at()});
  }
  if (upload == Duration::zero()) return last_byte(request);
  plan_in(upload, {.what = What::kLastByte, .slot = request.slot, .stamp = request.stamp});
}

void Simulation::last_byte(SimRequest& request) {
  settle_sent(request);
  request.stage = SimRequest::Stage::kAwaiting;
  if (request.seen_early) {
    if (request.reply) plan_answer(request);
    return;
  }
  const Duration jitter = draw_up_to(prng_, plan_.jitter_max);
  plan_in(jitter, {.what = What::kAtProvider,
                   .slot = request.slot,
                   .stamp = request.stamp,
                   .provider = request.provider,
                   .taken_at = request.choice.permit.taken_at()});
}

// The provider counts a request also when its client has gone since.
void Simulation::at_provider(const Event& event) {
  SimRequest& request = requests_[event.slot];
  Provider& provider = providers_[event.provider];
  const bool wanted = event.stamp == request.stamp;
  const Reply reply = provider.ask(now_, wanted ? request.demand.prompt_tokens : 1,
                                   wanted ? request.demand.completion_tokens : 1, prng_);
  Tally::OfAccount& tally = tally_.accounts[event.provider];
  ++tally.sent;
  if (reply.kind == Reply::Kind::kServed) ++tally.served;
  else if (reply.kind == Reply::Kind::kRateLimited) ++tally.rate_limited;
  else ++tally.failed;
  observer_.on_provider(provider, event.taken_at, reply, now_);
  if (!wanted) return;
  request.reply = reply;
  if (request.stage == SimRequest::Stage::kAwaiting) plan_answer(request);
}

void Simulation::plan_answer(SimRequest& request) {
  const bool stalled = request.reply->kind == Reply::Kind::kStalled;
  plan_in(stalled ? request.account->timeouts.first_byte : request.reply->after,
          {.what = What::kAnswered, .slot = request.slot, .stamp = request.stamp});
}

void Simulation::answered(SimRequest& request) {
  const Reply reply = *request.reply;
  const bool plain = plan_.plain_round_robin;
  bool next = !plain;
  SimEnding ending = SimEnding::kProviderFailed;
  TryOutcome outcome = TryOutcome::kServerError;
  switch (reply.kind) {
    case Reply::Kind::kServed:
      outcome = TryOutcome::kServed;
      next = false;
      ending = SimEnding::kServed;
      break;
    case Reply::Kind::kRateLimited:
      outcome = TryOutcome::kRateLimited;
      ending = SimEnding::kRateLimited;
      break;
    case Reply::Kind::kServerError: break;
    case Reply::Kind::kKeyRefused: outcome = TryOutcome::kAuthRejected; break;
    case Reply::Kind::kForbidden: outcome = TryOutcome::kClientFault; break;
    case Reply::Kind::kBroken: next = false; break;  // R3: the client has a part of the answer
    case Reply::Kind::kStalled:
      outcome = TryOutcome::kTimedOut;
      next = next && request.directory->routing.retry_on_timeout;
      ending = SimEnding::kProviderTimeout;
      break;
  }
  if (outcome == TryOutcome::kServed) {
    const Price& price = request.account->cost;
    tally_.accounts[request.provider].cost += price.input * request.demand.prompt_tokens +
                                              price.output * request.demand.completion_tokens;
  }
  if (outcome == TryOutcome::kServed && !plain) {
    request.account->state->latency().update(reply.first_token, time_of(shard_of(request)));
  }
  report(request, outcome, reply.retry_after);
  hand_back(request, tokens_counted(outcome, {.total = reply.tokens,
                                              .completion = request.demand.completion_tokens}));
  if (ending != SimEnding::kServed) request.last_reply = reply.kind;
  if (!next) return end(request, ending);
  next_step(request, outcome == TryOutcome::kServerError || outcome == TryOutcome::kTimedOut);
}

void Simulation::report(SimRequest& request, TryOutcome outcome,
                        std::optional<Duration> retry_after) {
  if (plan_.plain_round_robin) return;
  Shard& shard = shard_of(request);
  const bool probing = request.choice.permit.probing();
  observer_.on_report_begin(request, outcome, now_);
  rules_.report(request, outcome, retry_after, time_of(shard));
  observer_.on_report(request, outcome, now_);
  if (probing && request.account->state->wanted().by_anybody()) nudge(shard);
}

void Simulation::settle_sent(SimRequest& request) {
  if (!request.choice.permit.held()) return;
  rules_.settle_sent(request, time_of(shard_of(request)));
  observer_.on_settle(request, true, now_);
}

// The end of a try, as end_permit() of proxy/ask_account.cc.
void Simulation::hand_back(SimRequest& request, const std::optional<TokensUsed>& used) {
  if (request.choice.permit.over()) return;
  Shard& shard = shard_of(request);
  const AccountState& state = *request.choice.permit.account()->state;
  const bool unsent = request.choice.permit.held();
  if (unsent) {
    rules_.refund(request, time_of(shard));
    observer_.on_settle(request, false, now_);
  } else {
    rules_.finish(request, used, time_of(shard));
  }
  if ((unsent || state.room_comes_back()) && state.wanted().by_anybody()) nudge(shard);
}

// As forward() of proxy/serve_request.cc: a retry after a failure needs the shard's budget.
void Simulation::next_step(SimRequest& request, bool failed) {
  Shard& shard = shard_of(request);
  const Instant now = time_of(shard);
  Choice choice = rules_.next(request, now);
  const bool goes_on = choice.kind == Choice::Kind::kTry || choice.kind == Choice::Kind::kWait;
  const RetryBudgetPolicy budget = request.directory->routing.retry_budget();
  if (!failed || !goes_on || shard.retries.take(now, budget)) {
    return go_on(request, std::move(choice));
  }
  ++tally_.retries_denied;
  if (choice.permit.held()) {
    choice.permit.refund(now);
    nudge(shard);
  }
  go_on(request, request.ladder->exhausted(now));
}

// The client has gone. A try of which a byte has left counts as sent when no more will leave.
void Simulation::call_off_try(SimRequest& request) {
  if (request.stage != SimRequest::Stage::kConnecting) settle_sent(request);
  report(request, TryOutcome::kClientGone);
  hand_back(request, std::nullopt);
  end(request, SimEnding::kClientGone);
}

}  // namespace sluice
