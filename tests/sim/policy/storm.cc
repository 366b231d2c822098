#include "tests/sim/policy/storm.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "base/draw.h"
#include "tests/sim/policy/trace.h"

namespace sluice::test {
namespace {

// Dice - the seed, as what is drawn from it.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : prng_(seed) {}
  [[nodiscard]] std::uint32_t from(std::uint32_t least, std::uint32_t most) {
    return least + static_cast<std::uint32_t>(prng_.below(most - least + 1));
  }
  [[nodiscard]] double between(double least, double most) {
    return least + (most - least) * prng_.unit();
  }
  [[nodiscard]] Duration span(double least_s, double most_s) {
    return seconds(between(least_s, most_s));
  }
  [[nodiscard]] bool one_in(std::uint32_t n) { return prng_.below(n) == 0; }
  template <class T>
  [[nodiscard]] T any(std::initializer_list<T> values) {
    return values.begin()[prng_.below(values.size())];
  }

 private:
  Prng prng_;
};

StormAccount draw_account(Dice& dice, std::uint32_t number) {
  StormAccount account;
  account.name = std::string(1, static_cast<char>('a' + number));
  account.limit = dice.one_in(8) ? dice.from(20, 60) : dice.from(1, 10);
  account.window = dice.any({5s, 10s, 10s, 20s, 60s});
  account.pool = dice.one_in(4) ? Pool::kFallback : Pool::kPrimary;
  account.bucket = dice.one_in(10) ? BucketShape::kSteady : BucketShape::kRolling;
  account.enabled = !dice.one_in(12);
  account.emergency = dice.one_in(6);
  account.weight = dice.from(1, 3);
  if (dice.one_in(4)) account.models = {"m"};
  else if (dice.one_in(4)) account.models = {"n"};
  else if (dice.one_in(2)) account.models = {"m", "n"};
  account.first_byte = dice.span(1, 20);
  if (dice.one_in(5)) account.tokens = dice.from(300, 3000);
  if (dice.one_in(8)) account.per_day = dice.from(1, 60);
  if (dice.one_in(5)) account.concurrent = dice.from(1, 5);
  return account;
}

RoutingPolicy draw_routing(Dice& dice) {
  RoutingPolicy routing;
  routing.strategy = dice.any({Strategy::kWeighted, Strategy::kRoundRobin, Strategy::kOrdered,
                               Strategy::kLeastInflight, Strategy::kLatency, Strategy::kCheapest});
  if (dice.one_in(4)) routing.affinity = Affinity::kUser;
  routing.breaker.failures = dice.any({0U, 2U, 5U});
  routing.breaker.open = dice.span(0.5, 10);
  routing.retreat.enabled = dice.one_in(2);
  routing.retry_budget_percent = dice.any({0U, 20U, 100U});
  routing.retry_budget_floor = dice.any({0U, 10U, 1000U});
  routing.cooldown = {.base = dice.span(0.5, 10), .max = dice.span(10, 40)};
  QueuePolicy& queue = routing.queue;
  queue.capacity = dice.any({0U, dice.from(1, 8), dice.from(1, 8), 50U, 500U});
  for (Duration& wait : queue.wait) wait = dice.one_in(6) ? 0s : dice.span(0.2, 30);
  queue.overflow = dice.any({Overflow::kReject, Overflow::kDropLowest, Overflow::kPassthrough});
  queue.precheck = dice.any({Duration(0s), dice.span(0, 5), Duration(10s), Duration(60s)});
  queue.primary_wait = dice.any({Duration(0s), dice.span(0, 5), Duration(15s)});
  routing.emergency_percent = dice.any({10U, 10U, dice.from(1, 60)});
  routing.retry_on_timeout = dice.one_in(2);
  return routing;
}

// What an operator does to a configuration that runs.
void draw_change(Dice& dice, std::vector<StormAccount>& accounts, RoutingPolicy& routing,
                 std::vector<StormAccount>& removed) {
  StormAccount& account = accounts[dice.from(0, static_cast<std::uint32_t>(accounts.size() - 1))];
  switch (dice.from(0, 8)) {
    case 0: account.limit = dice.from(1, 20); break;
    case 1: account.window = dice.any({5s, 10s, 20s, 60s}); break;
    case 2: account.enabled = !account.enabled; break;
    case 3: account.emergency = !account.emergency; break;
    case 4: account.key += "0"; break;
    case 5:
      if (accounts.size() == 1) break;
      removed.push_back(account);
      std::swap(account, accounts.back());
      accounts.pop_back();
      break;
    case 6:
      if (removed.empty()) break;
      accounts.push_back(removed.back());
      removed.pop_back();
      break;
    case 7:
      account.bucket =
          account.bucket == BucketShape::kRolling ? BucketShape::kSteady : BucketShape::kRolling;
      break;
    case 8: routing = draw_routing(dice); break;
  }
}

void draw_reloads(Dice& dice, std::vector<StormAccount> accounts, RoutingPolicy routing,
                  SimulationPlan& plan) {
  std::vector<StormAccount> removed;
  const std::uint32_t count = dice.one_in(2) ? 0 : dice.from(1, 6);
  std::vector<Duration> times;
  for (std::uint32_t i = 0; i < count; ++i)
    times.push_back(dice.span(0, in_seconds(plan.duration)));
  std::ranges::sort(times);
  for (const Duration at : times) {
    for (std::uint32_t changes = dice.from(1, 2); changes > 0; --changes) {
      draw_change(dice, accounts, routing, removed);
    }
    plan.reloads.push_back(
        {SimulationPlan::kStart + at, [accounts, routing](const Directory& running, Instant now) {
           return storm_directory(accounts, routing, &running, now);
         }});
  }
}

ProviderModel draw_provider(Dice& dice, const StormAccount& account, Duration duration) {
  ProviderModel provider;
  provider.account = account.name;
  provider.counting = dice.any({Counting::kRolling, Counting::kFixed, Counting::kUnlimited});
  provider.limit = account.limit;
  if (dice.one_in(4)) provider.limit = std::max(1U, account.limit * dice.from(5, 9) / 10);
  provider.window = account.window;
  if (dice.one_in(8)) provider.tokens_limit = dice.from(1000, 10'000);
  provider.counts_refused = dice.one_in(4);
  provider.tells_retry_after = !dice.one_in(3);
  provider.latency_s = dice.between(0.05, 1.5);
  provider.tokens_per_second = 100;
  if (dice.one_in(4)) provider.error_share = dice.between(0, 0.2);
  if (dice.one_in(6)) provider.stall_share = dice.between(0, 0.1);
  for (std::uint32_t spells = dice.one_in(2) ? 0 : dice.from(1, 3); spells > 0; --spells) {
    const Instant from = SimulationPlan::kStart + dice.span(0, in_seconds(duration));
    provider.spells.push_back({.from = from,
                               .until = from + dice.span(1, 40),
                               .trouble = static_cast<Trouble>(dice.from(0, 6)),
                               .share = dice.one_in(2) ? 1 : dice.between(0.1, 1)});
  }
  return provider;
}

Traffic draw_traffic(Dice& dice, double capacity) {
  Traffic traffic;
  traffic.per_second = std::clamp(capacity * dice.between(0.3, 4), 0.2, 40.0);
  traffic.shape = dice.any({TrafficShape::kEven, TrafficShape::kPoisson, TrafficShape::kDiurnal,
                            TrafficShape::kBursts, TrafficShape::kBursts, TrafficShape::kPareto});
  traffic.peak = dice.between(1, 20);
  traffic.burst = dice.span(0.5, 5);
  traffic.burst_every = traffic.burst + dice.span(1, 20);
  traffic.priorities = {dice.between(0, 0.3), dice.between(0, 0.3), 1, dice.between(0, 1)};
  if (dice.one_in(2)) {
    traffic.models = {"m", "n", "", "other"};
    traffic.model_shares = {1, 1, dice.between(0, 0.3), dice.between(0, 0.1)};
  } else {
    traffic.models = {"m"};
  }
  traffic.prompt_tokens = 200;
  traffic.completion_tokens = dice.between(10, 200);
  traffic.tells_max_share = dice.any({0.0, 0.5, 1.0});
  if (dice.one_in(2)) traffic.patience = dice.span(0.5, 20);
  return traffic;
}

}  // namespace

std::shared_ptr<const Directory> storm_directory(const std::vector<StormAccount>& accounts,
                                                 const RoutingPolicy& routing,
                                                 const Directory* previous, Instant now) {
  auto directory = std::make_shared<Directory>();
  directory->routing = routing;
  for (const StormAccount& from : accounts) {
    auto account = std::make_unique<Account>();
    account->name = from.name;
    account->rpm_limit = from.limit;
    account->tpm_limit = from.tokens;
    account->rpd_limit = from.per_day;
    account->concurrent_limit = from.concurrent;
    account->window = from.window;
    account->pool = from.pool;
    account->bucket = from.bucket;
    account->enabled = from.enabled;
    account->emergency = from.emergency;
    account->weight = from.weight;
    for (const std::string& model : from.models) account->models.push_back({model, model});
    account->endpoint.host = "provider.test";
    account->api_key = Secret(from.key + from.name);
    account->timeouts.first_byte = from.first_byte;
    directory->accounts.push_back(std::move(account));
  }
  finish_directory(*directory, previous, now);
  return directory;
}

SimulationPlan draw_storm(std::uint64_t seed) {
  Dice dice(seed);
  std::vector<StormAccount> accounts;
  const std::uint32_t count = dice.from(1, 6);
  double capacity = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    accounts.push_back(draw_account(dice, i));
    capacity += accounts.back().limit / in_seconds(accounts.back().window);
  }
  const RoutingPolicy routing = draw_routing(dice);
  SimulationPlan plan;
  plan.seed = seed;
  plan.traffic = draw_traffic(dice, capacity);
  constexpr double kRequests = 600;
  plan.duration = seconds(std::min(dice.between(20, 120), kRequests / plan.traffic.per_second));
  plan.directory = storm_directory(accounts, routing, nullptr, SimulationPlan::kStart);
  for (const StormAccount& account : accounts)
    plan.providers.push_back(draw_provider(dice, account, plan.duration));
  draw_reloads(dice, accounts, routing, plan);
  plan.shards = dice.from(1, 4);
  if (dice.one_in(2)) plan.origins = dice.from(1, 5);
  // Of the guard, 250 ms, the clocks and the network use at most 130.
  if (dice.one_in(2)) plan.letter_delay_max = dice.span(0, 0.02);
  if (dice.one_in(2)) plan.clock_lag_max = dice.span(0, 0.01);
  plan.jitter_max = dice.any({Duration(0s), dice.span(0, 0.12)});
  if (dice.one_in(2)) plan.connect_max = dice.span(0, 0.1);
  if (dice.one_in(2)) plan.slow_upload_share = dice.between(0, 0.3);
  plan.slow_upload_max = dice.span(0, 8);
  return plan;
}

StormResult run_storm(SimulationPlan plan, Rules& rules, bool trace) {
  Checks checks(kWaitSlack, plan.traffic.tells_max_share == 1);
  Trace traced(checks);
  Observer& observer = trace ? static_cast<Observer&>(traced) : checks;
  Simulation simulation(std::move(plan), rules, observer);
  simulation.run();
  checks.finish(simulation);
  return {checks.found(), simulation.tally()};
}

}  // namespace sluice::test
