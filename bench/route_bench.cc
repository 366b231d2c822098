// What routing costs: one token, and one decision of the ladder.

#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bench/result_check.h"
#include "engine/route/affinity.h"
#include "engine/route/breaker.h"
#include "engine/route/decision_looks.h"
#include "engine/route/ladder.h"
#include "engine/route/latency.h"
#include "engine/route/token_window.h"

namespace sluice {
namespace {

constexpr Duration kWindow = 60s;
// Of the accounts: short, so that a window is full of decisions before they are measured, at one
// each millisecond. From then on tokens come back as often as they are taken.
constexpr Duration kAccountWindow = 2s;
constexpr int kWindowDecisions = 2'500;  // the guard is part of the window
constexpr std::uint32_t kLimit = 4'000;  // more than a window takes, if all are of one account
constexpr Instant kStart = Instant(Duration(kTickNs) * 1'000'000);

// What one token costs in its whole life: taken, its request sent, come back. The window has no
// length, so that it comes back at once and every take is granted.
void rolling_bucket(benchmark::State& state) {
  static RollingBucket bucket(64, 0s);
  for (auto _ : state) {
    benchmark::DoNotOptimize(bucket.take(kStart));
    bucket.settle_sent(kStart);
  }
  // All that were taken came back: of 64 tokens none is lost.
  if (holds(state, bucket.take(kStart).granted, "a token was lost")) bucket.refund();
}
BENCHMARK(rolling_bucket)->ThreadRange(1, 2)->UseRealTime();

void rolling_bucket_refuses(benchmark::State& state) {
  RollingBucket bucket(1, kWindow);
  if (bucket.take(kStart).granted) bucket.settle_sent(kStart);
  const Take refused = bucket.take(kStart);
  const bool right = !refused.granted && refused.at == kStart + kWindow;
  if (!holds(state, right, "a token that nobody has")) return;
  for (auto _ : state) benchmark::DoNotOptimize(bucket.take(kStart));
}
BENCHMARK(rolling_bucket_refuses);

void steady_bucket(benchmark::State& state) {
  static SteadyBucket bucket(64, 0s);
  for (auto _ : state) {
    const Take take = bucket.take(kStart);
    bucket.settle_sent(take, kStart);
  }
  const Take last = bucket.take(kStart);
  if (holds(state, last.granted, "a token was lost")) bucket.refund(last, kStart);
}
BENCHMARK(steady_bucket)->ThreadRange(1, 2)->UseRealTime();

// What a request's tokens cost: reserved, and settled with less.
void token_window(benchmark::State& state) {
  static TokenWindow window(TokenWindow::kUnitsMax, kWindow);
  for (auto _ : state) {
    const auto reserved = window.reserve(1'000, kStart);
    if (reserved) window.settle(*reserved, 0, kStart);
  }
  if (state.threads() == 1 && !holds(state, window.used(kStart) == 0, "tokens were lost")) return;
}
BENCHMARK(token_window)->ThreadRange(1, 2)->UseRealTime();

// A full window looks through its cells before it refuses.
void token_window_refuses(benchmark::State& state) {
  TokenWindow window(60, kWindow);
  for (int i = 0; i < 60; ++i) benchmark::DoNotOptimize(window.reserve(1, kStart + 1s * i));
  if (!holds(state, !window.reserve(1, kStart + 59s), "more than the limit")) return;
  for (auto _ : state) benchmark::DoNotOptimize(window.reserve(1, kStart + 59s));
}
BENCHMARK(token_window_refuses);

void token_window_next_at(benchmark::State& state) {
  TokenWindow window(60, kWindow);
  for (int i = 0; i < 60; ++i) benchmark::DoNotOptimize(window.reserve(1, kStart + 1s * i));
  for (auto _ : state) benchmark::DoNotOptimize(window.next_at(1, kStart + 59s));
}
BENCHMARK(token_window_next_at);

// What a breaker that is closed adds to a request: asked, entered, told of success.
void breaker(benchmark::State& state) {
  static Breaker breaker;
  for (auto _ : state) {
    benchmark::DoNotOptimize(breaker.passable(kStart));
    breaker.succeeded(breaker.enter(kStart));
  }
  if (!holds(state, breaker.passable(kStart), "it has opened")) return;
}
BENCHMARK(breaker)->ThreadRange(1, 2)->UseRealTime();

// One sample of the time to the first token, and the two looks that a choice of two takes.
void latency(benchmark::State& state) {
  static Latency latency;
  Instant now = kStart;
  for (auto _ : state) {
    now += 20ms;
    latency.update(300ms, now);
    benchmark::DoNotOptimize(latency.value(now + 1s));
    benchmark::DoNotOptimize(latency.value(now + 2s));
  }
}
BENCHMARK(latency)->ThreadRange(1, 2)->UseRealTime();

// The least that a count shared by shards can cost.
void plain_fetch_add(benchmark::State& state) {
  static std::atomic<std::uint64_t> count = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(count.fetch_add(1, std::memory_order_relaxed));
  }
}
BENCHMARK(plain_fetch_add)->ThreadRange(1, 2)->UseRealTime();

// The rolling bucket as one would write it first: a ring of stamps under a mutex, locked to take
// and to settle.
void mutex_bucket(benchmark::State& state) {
  static std::mutex mutex;
  static std::vector<Instant> stamps(64);
  static std::size_t oldest = 0;
  static std::size_t newest = 0;
  for (auto _ : state) {
    {
      const std::lock_guard lock(mutex);
      if (stamps[oldest] <= kStart) oldest = (oldest + 1) % stamps.size();
    }
    const std::lock_guard lock(mutex);
    stamps[newest] = kStart;
    newest = (newest + 1) % stamps.size();
  }
}
BENCHMARK(mutex_bucket)->ThreadRange(1, 2)->UseRealTime();

// A thousand accounts are of few providers and plans: so many prices there are.
constexpr int kPrices = 8;

// `first_weight`: of the first account, where the others have one.
Directory directory_of(std::int64_t accounts, Strategy strategy, std::uint32_t first_weight = 1) {
  Directory directory;
  directory.routing.strategy = strategy;
  for (std::int64_t i = 0; i < accounts; ++i) {
    auto account = std::make_unique<Account>();
    account->name = std::to_string(i);
    account->weight = i == 0 ? first_weight : 1;
    const auto price = static_cast<std::uint64_t>(i % kPrices + 1);
    account->cost = {.input = 100'000 * price, .output = 1'000'000 * price};
    account->rpm_limit = kLimit;
    account->window = kAccountWindow;
    for (int model = 0; model < 20; ++model) {
      account->models.push_back({"vendor/model-" + std::to_string(model), std::to_string(model)});
    }
    directory.accounts.push_back(std::move(account));
  }
  finish_directory(directory, nullptr, kStart);
  return directory;
}

// Takes the next account of the ladder and gives it back as a request that was served does; the
// account, or null when there was none.
const Account* serve_one(Ladder& ladder, Instant now) {
  Choice choice = ladder.next(now);
  if (choice.kind != Choice::Kind::kTry) return nullptr;
  const Account* const account = choice.permit.account();
  choice.permit.settle_sent(now);
  ladder.report(choice.permit, TryOutcome::kServed, {}, now);
  choice.permit.finish({}, now);
  return account;
}

// Whether what an account lent came back, and what it spent is known.
bool settled(const Directory& directory) {
  for (const auto& account : directory.accounts) {
    if (account->state->in_flight() != 0) return false;
  }
  return true;
}

// One request that its first account serves: model looked up, account chosen, permit taken and
// settled, outcome reported, what was looked at kept for explaining. The limits are large enough
// that no account runs out.
void measure_decisions(benchmark::State& state, const Directory& directory) {
  Prng prng(1);
  Balancer balancer(prng);
  Instant now = kStart;
  bool served = true;
  const auto decide = [&] {
    now += 1ms;
    Ladder ladder(directory, balancer, "vendor/model-7");
    DecisionLooks looks;
    ladder.keep_looks(looks);
    served &= serve_one(ladder, now) != nullptr;
  };
  for (int i = 0; i < kWindowDecisions; ++i) decide();
  for (auto _ : state) decide();
  if (holds(state, served && settled(directory), "a request found no account"))
    report_items(state, 1);
}

void ladder_decision(benchmark::State& state) {
  measure_decisions(state, directory_of(state.range(0), static_cast<Strategy>(state.range(1))));
}
BENCHMARK(ladder_decision)
    ->ArgNames({"accounts", "strategy"})
    ->ArgsProduct(
        {{1, 11, 1000},
         {static_cast<long>(Strategy::kWeighted), static_cast<long>(Strategy::kRoundRobin),
          static_cast<long>(Strategy::kOrdered), static_cast<long>(Strategy::kLeastInflight),
          static_cast<long>(Strategy::kLatency), static_cast<long>(Strategy::kCheapest)}});

// The same with one account that is worth a thousand others.
void ladder_weights_apart(benchmark::State& state) {
  constexpr std::uint32_t kHeavy = 1000;
  measure_decisions(state,
                    directory_of(state.range(0), static_cast<Strategy>(state.range(1)), kHeavy));
}
BENCHMARK(ladder_weights_apart)
    ->ArgNames({"accounts", "strategy"})
    ->ArgsProduct({{11, 1000},
                   {static_cast<long>(Strategy::kWeighted),
                    static_cast<long>(Strategy::kLeastInflight)}});

// The same by origin. `first_weight`: of one account, where the others have one.
void ladder_by_origin(benchmark::State& state) {
  const Directory directory =
      directory_of(state.range(0), Strategy::kWeighted, static_cast<std::uint32_t>(state.range(1)));
  Prng prng(1);
  Balancer balancer(prng);
  Instant now = kStart;
  const Account* first = nullptr;
  bool same = true;
  const auto decide = [&] {
    now += 1ms;
    Ladder ladder(directory, balancer, "vendor/model-7");
    DecisionLooks looks;
    ladder.keep_looks(looks);
    ladder.seeker().origin = origin_of("session-0123456789");
    const Account* const account = serve_one(ladder, now);
    if (first == nullptr) first = account;
    same &= account == first;
  };
  for (int i = 0; i < kWindowDecisions; ++i) decide();
  for (auto _ : state) decide();
  if (holds(state, same && first != nullptr, "an origin changed its account"))
    report_items(state, 1);
}
BENCHMARK(ladder_by_origin)
    ->ArgNames({"accounts", "first_weight"})
    ->ArgsProduct({{11, 1000}, {1, 3}});

// All accounts are cooling: each is asked twice, and the earliest is told.
void ladder_exhausted(benchmark::State& state) {
  const Directory directory = directory_of(state.range(0), Strategy::kWeighted);
  for (const auto& account : directory.accounts) {
    account->state->cooldown().rate_limited(kStart, {}, {});
  }
  Prng prng(1);
  Balancer balancer(prng);
  Instant told{};
  for (auto _ : state) {
    Ladder ladder(directory, balancer, "vendor/model-7");
    DecisionLooks looks;
    ladder.keep_looks(looks);
    told = ladder.next(kStart).retry_at;
    benchmark::DoNotOptimize(told);
  }
  if (holds(state, told == directory.accounts[0]->state->cooldown().until(), "another time"))
    report_items(state, directory.accounts.size());
}
BENCHMARK(ladder_exhausted)->ArgName("accounts")->Arg(11)->Arg(1000);

// Nearly all accounts are spent, so that luck does not help and all have to be looked at.
void ladder_nearly_spent(benchmark::State& state) {
  const Directory directory = directory_of(state.range(0), static_cast<Strategy>(state.range(1)));
  for (std::size_t i = 1; i < directory.accounts.size(); ++i) {
    const Account& account = *directory.accounts[i];
    account.state->set_limits({BucketShape::kSteady, 1, kWindow}, kStart);
    Permit last = Permit::take(account, kStart);
    if (!holds(state, last.held(), "a new account has nothing")) return;
    last.settle_sent(kStart);
    last.finish({}, kStart);
  }
  Prng prng(1);
  Balancer balancer(prng);
  bool found = true;
  for (auto _ : state) {
    Ladder ladder(directory, balancer, "vendor/model-7");
    DecisionLooks looks;
    ladder.keep_looks(looks);
    Choice choice = ladder.next(kStart);
    found &= choice.permit.account() == directory.accounts[0].get();
    choice.permit.refund(kStart);
  }
  if (holds(state, found, "not the one that has room")) report_items(state, 1);
}
BENCHMARK(ladder_nearly_spent)
    ->ArgNames({"accounts", "strategy"})
    ->ArgsProduct({{11, 1000},
                   {static_cast<long>(Strategy::kWeighted),
                    static_cast<long>(Strategy::kLeastInflight),
                    static_cast<long>(Strategy::kCheapest)}});

void find_route(benchmark::State& state) {
  const Directory directory = directory_of(11, Strategy::kWeighted);
  const Route* const route = directory.find_route("vendor/model-7");
  if (!holds(state, route != nullptr && route->candidates.size() == 11, "another route")) return;
  for (auto _ : state) benchmark::DoNotOptimize(directory.find_route("vendor/model-7"));
}
BENCHMARK(find_route);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
