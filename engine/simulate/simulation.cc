#include "engine/simulate/simulation.h"

#include <utility>

#include "base/draw.h"

namespace sluice {
namespace {

constexpr Duration kKeepEvery = 1s;

// What the body of such a request tells (engine/llm): its prompt, and how many tokens its answer
// may have, if its client says so.
Demand demand_of(const SimRequest& request) noexcept {
  Demand demand{.prompt = request.demand.prompt_tokens};
  if (request.demand.tells_max) demand.completion = request.demand.completion_tokens;
  demand.patient = is_patient(request.priority());
  return demand;
}

// Seeds for parts that must not share a sequence: traffic is the same, whatever is behind it.
enum Part : std::uint64_t { kWorld = 1, kTraffic, kDispatcher, kShards };
std::uint64_t seed_of(std::uint64_t seed, std::uint64_t part) noexcept {
  return Prng(seed ^ part * 0x9e3779b97f4a7c15).next();
}

}  // namespace

Simulation::Simulation(SimulationPlan plan, Rules& rules, Observer& observer)
    : plan_(std::move(plan)),
      rules_(rules),
      observer_(observer),
      prng_(seed_of(plan_.seed, kWorld)),
      arrivals_(plan_.traffic, SimulationPlan::kStart, seed_of(plan_.seed, kTraffic)),
      directory_(std::move(plan_.directory)),
      dispatcher_(seed_of(plan_.seed, kDispatcher)) {
  dispatcher_.lag = draw_up_to(prng_, plan_.clock_lag_max);
  for (std::uint32_t i = 0; i < plan_.shards; ++i) {
    Shard& shard = shards_.emplace_back(seed_of(plan_.seed, kShards + i));
    shard.lag = draw_up_to(prng_, plan_.clock_lag_max);
    shard.directory = directory_;
  }
  for (const auto& account : directory_->accounts) static_cast<void>(provider_of(*account));
  for (std::uint32_t i = 0; i < plan_.reloads.size(); ++i) {
    events_.plan(plan_.reloads[i].at, {.what = What::kReload, .slot = i});
  }
  events_.plan(now_ + kKeepEvery, {.what = What::kKeepLimits});
  observer_.on_publish(directory_, now_);
}

// A run that was given up leaves requests on their way.
Simulation::~Simulation() {
  const auto drop = [this](Permit& permit) {
    if (permit.held()) permit.refund(now_);
    else if (!permit.over()) permit.finish(std::nullopt, now_);
  };
  for (SimRequest& request : requests_) {
    if (request.ticket && request.ticket->linked()) queue_.leave(*request.ticket);
    if (request.ticket) drop(request.ticket->choice.permit);
    drop(request.choice.permit);
  }
}

void Simulation::run() {
  const Instant end = SimulationPlan::kStart + plan_.duration;
  if (const Instant first = arrivals_.next(); first < end) {
    events_.plan(first, {.what = What::kArrival});
  }
  while (!events_.empty() && events_.next_at() < end + kPatience) {
    now_ = events_.next_at();
    ++tally_.events;
    handle(events_.take());
  }
  for (const Shard& shard : shards_) {
    const LadderCounters& counters = shard.balancer.counters;
    tally_.ladder.primary_wait_enter += counters.primary_wait_enter;
    tally_.ladder.primary_wait_recovery += counters.primary_wait_recovery;
    tally_.ladder.primary_wait_exhausted += counters.primary_wait_exhausted;
    tally_.ladder.fallback += counters.fallback;
    tally_.ladder.emergency += counters.emergency;
  }
}

void Simulation::handle(const Event& event) {
  switch (event.what) {
    case What::kArrival: return arrive();
    case What::kServe:
      if (event.stamp == timer_stamp_) serve_queue();
      return;
    case What::kNudge: nudge_on_its_way_ = false; return serve_queue();
    case What::kSwap: {
      Shard& shard = shards_[event.slot];
      shard.directory = std::move(shard.on_their_way.front());
      shard.on_their_way.pop_front();
      return;
    }
    case What::kKeepLimits: return keep_limits();
    case What::kReload: return publish(plan_.reloads[event.slot].make(*directory_, now_));
    case What::kAtProvider: return at_provider(event);
    case What::kClientLeaves:
      if (event.stamp == requests_[event.slot].life) client_leaves(requests_[event.slot]);
      return;
    case What::kEnter:
    case What::kLeave:
    case What::kQueueEnd:
    case What::kLeft:
    case What::kGiveUp:
      if (event.stamp == requests_[event.slot].stamp) {
        handle_of_wait(event.what, requests_[event.slot]);
      }
      return;
    case What::kFirstByte:
    case What::kLastByte:
    case What::kConnectFailed:
    case What::kAnswered:
      if (event.stamp == requests_[event.slot].stamp) {
        handle_of_try(event.what, requests_[event.slot]);
      }
      return;
  }
}

void Simulation::publish(std::shared_ptr<const Directory> directory) {
  directory_ = std::move(directory);
  for (const auto& account : directory_->accounts) {
    providers_[provider_of(*account)].set_limit(account->rpm_limit, account->window);
  }
  observer_.on_publish(directory_, now_);
  for (std::uint32_t i = 0; i < shards_.size(); ++i) {
    shards_[i].on_their_way.push_back(directory_);
    post(shards_[i], false, {.what = What::kSwap, .slot = i});
  }
}

// As LimitKeeper of proxy/limit_keeper.cc.
void Simulation::keep_limits() {
  bool more = false;
  const Instant now = time_of(dispatcher_);
  for (const auto& account : directory_->accounts) {
    const std::uint32_t before = account->state->limit();
    if (account->state->adapt(now, directory_->routing.retreat)) {
      more = more || account->state->limit() > before;
    }
  }
  if (more) nudge(dispatcher_);
  if (now_ < SimulationPlan::kStart + plan_.duration || under_way() != 0) {
    plan_in(kKeepEvery, {.what = What::kKeepLimits});
  }
}

void Simulation::arrive() {
  SimRequest& request = new_request();
  request.demand = arrivals_.draw();
  if (const Instant next = arrivals_.next(); next < SimulationPlan::kStart + plan_.duration) {
    events_.plan(next, {.what = What::kArrival});
  }
  request.id = ++requests_begun_;
  request.shard = static_cast<std::uint32_t>(prng_.below(shards_.size()));
  request.arrived = now_;
  request.stage = SimRequest::Stage::kAtLadder;
  ++tally_.offered;
  ++tally_.priorities[rank_of(request.priority())].offered;
  if (request.demand.patience != Duration::max()) {
    plan_in(request.demand.patience,
            {.what = What::kClientLeaves, .slot = request.slot, .stamp = request.life});
  }
  Shard& shard = shard_of(request);
  request.directory = shard.directory;
  request.ladder.emplace(*request.directory, shard.balancer,
                         plan_.traffic.models[request.demand.model], request.priority());
  request.ladder->seeker().demand = demand_of(request);
  if (plan_.origins != 0) request.ladder->seeker().origin = prng_.below(plan_.origins) + 1;
  shard.retries.request(time_of(shard), request.directory->routing.retry_budget());
  observer_.on_arrival(request, now_);
  if (plan_.plain_round_robin) return start_plain(request);
  go_on(request, rules_.next(request, time_of(shard)));
}

SimRequest& Simulation::new_request() {
  if (free_.empty()) {
    SimRequest& request = requests_.emplace_back();
    request.slot = static_cast<std::uint32_t>(requests_.size() - 1);
    return request;
  }
  SimRequest& request = requests_[free_.back()];
  free_.pop_back();
  return request;
}

// As forward() of proxy/serve_request.cc goes on.
void Simulation::go_on(SimRequest& request, Choice choice, bool granted) {
  const bool try_it = choice.kind == Choice::Kind::kTry;
  if (request.gone && !try_it) return end(request, SimEnding::kClientGone);
  if (try_it) return begin_try(request, std::move(choice), granted);
  if (choice.kind == Choice::Kind::kWait) return begin_wait(request, choice);
  end(request, ending_of(request, choice));
}

SimEnding Simulation::ending_of(const SimRequest& request, const Choice& choice) const noexcept {
  if (choice.kind == Choice::Kind::kUnknownModel) return SimEnding::kUnknownModel;
  if (request.last_reply == Reply::Kind::kRateLimited) return SimEnding::kRateLimited;
  if (request.attempts > 0) return SimEnding::kProviderFailed;
  switch (choice.why) {
    case Choice::Why::kQueueFull: return SimEnding::kQueueFull;
    case Choice::Why::kQueueTimeout: return SimEnding::kQueueTimeout;
    case Choice::Why::kNothingFree: break;
  }
  return SimEnding::kNothingFree;
}

void Simulation::start_plain(SimRequest& request) {
  const Route* const route = request.ladder->route();
  if (route == nullptr || route->primary_count == 0) return end(request, SimEnding::kUnknownModel);
  Choice choice;
  choice.kind = Choice::Kind::kTry;
  request.account = route->candidates[plain_next_++ % route->primary_count].account;
  begin_try(request, std::move(choice), false);
}

void Simulation::client_leaves(SimRequest& request) {
  request.gone = true;
  switch (request.stage) {
    case SimRequest::Stage::kWaiting:
      if (!request.ticket->leaving) call_back(request);
      return;
    case SimRequest::Stage::kConnecting:
    case SimRequest::Stage::kSending:
    case SimRequest::Stage::kAwaiting: return call_off_try(request);
    case SimRequest::Stage::kFree:
    case SimRequest::Stage::kAtLadder: break;
  }
  SL_ASSERT(false);  // nothing happens at these stages that takes time
}

void Simulation::end(SimRequest& request, SimEnding ending) {
  ++tally_.endings[static_cast<std::size_t>(ending)];
  if (ending == SimEnding::kServed) {
    Tally::OfPriority& of_priority = tally_.priorities[rank_of(request.priority())];
    ++of_priority.served;
    of_priority.waits.add(request.queued);
    tally_.fallback += request.choice.rung == Rung::kFallback;
    tally_.emergency += request.choice.rung == Rung::kEmergency;
  }
  tally_.lasted = now_ - SimulationPlan::kStart;
  observer_.on_end(request, ending, now_);
  const std::uint32_t slot = request.slot;
  const std::uint32_t stamp = request.stamp + 1;
  const std::uint32_t life = request.life + 1;
  std::destroy_at(&request);
  std::construct_at(&request);
  request.slot = slot;
  request.stamp = stamp;
  request.life = life;
  free_.push_back(slot);
}

}  // namespace sluice
