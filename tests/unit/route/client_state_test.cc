#include "engine/route/client_state.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/route/route_fixture.h"

namespace sluice::test {
namespace {

using Kind = ClientVerdict::Kind;

constexpr Demand kTen = {.prompt = 6, .completion = 4};

// A request that is over at once.
ClientVerdict pass(ClientState& state, Instant now, const Demand& demand = kTen,
                   const TokensUsed& used = {.total = 10, .completion = 0}) {
  TokenReservation reserved;
  const ClientVerdict verdict = state.admit(demand, now, reserved);
  if (verdict.kind == Kind::kAdmitted) state.finish(reserved, used, now);
  return verdict;
}

TEST(ClientState, WithoutALimitEverythingPasses) {
  ClientState state({});
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(pass(state, kStart).kind, Kind::kAdmitted);
  EXPECT_EQ(state.requests_left(kStart).limit, 0u);
  EXPECT_EQ(state.tokens_left(kStart).limit, 0u);
  EXPECT_TRUE(state.at_rest(kStart));
}

TEST(ClientState, RequestsPerMinute) {
  ClientState state({.requests = 2});
  EXPECT_EQ(pass(state, kStart).kind, Kind::kAdmitted);
  EXPECT_EQ(pass(state, kStart + 10s).kind, Kind::kAdmitted);
  const ClientVerdict refused = pass(state, kStart + 20s);
  EXPECT_EQ(refused.kind, Kind::kRequests);
  expect_about(refused.at, kStart + 60s);
  const ClientState::Left left = state.requests_left(kStart + 20s);
  EXPECT_EQ(left.limit, 2u);
  EXPECT_EQ(left.remaining, 0u);
  EXPECT_EQ(left.reset, 50s);
  EXPECT_EQ(pass(state, kStart + 60s + 5us).kind, Kind::kAdmitted);
  EXPECT_FALSE(state.at_rest(kStart + 100s));
  EXPECT_TRUE(state.at_rest(kStart + 121s));
  EXPECT_EQ(state.requests_left(kStart + 121s).reset, 0s);
}

TEST(ClientState, TokensPerMinute) {
  ClientState state({.requests = 100, .tokens = 1000});
  const Demand large = {.prompt = 100, .completion = 500};
  TokenReservation reserved;
  EXPECT_EQ(state.admit(large, kStart, reserved).kind, Kind::kAdmitted);
  EXPECT_EQ(state.tokens_left(kStart).remaining, 400u);
  const ClientVerdict soon = pass(state, kStart, large);
  EXPECT_EQ(soon.kind, Kind::kTokens);
  EXPECT_EQ(soon.at, kStart + 1s);                        // a guess: the other may use less
  EXPECT_EQ(state.requests_left(kStart).remaining, 99u);  // what is refused counts nowhere
  state.finish(reserved, {.total = 900, .completion = 800}, kStart);
  EXPECT_EQ(state.tokens_left(kStart).remaining, 100u);
  const ClientVerdict later = pass(state, kStart, large);
  EXPECT_GE(later.at, kStart + 60s);
  EXPECT_LE(later.at, kStart + 62s);
  EXPECT_LE(state.tokens_left(kStart).reset, 62s);
  EXPECT_EQ(pass(state, later.at, large).kind, Kind::kAdmitted);
}

TEST(ClientState, RequestsAtOnce) {
  ClientState state({.concurrent = 1});
  TokenReservation reserved;
  EXPECT_EQ(state.admit(kTen, kStart, reserved).kind, Kind::kAdmitted);
  EXPECT_EQ(pass(state, kStart).kind, Kind::kConcurrent);
  EXPECT_FALSE(state.at_rest(kStart));
  state.finish(reserved, {}, kStart);
  EXPECT_EQ(pass(state, kStart).kind, Kind::kAdmitted);
}

TEST(ClientState, LimitsChangeInPlace) {
  ClientState state({.requests = 2});
  static_cast<void>(pass(state, kStart));
  state.set_limits({.requests = 1, .tokens = 5, .concurrent = 1});
  EXPECT_EQ(pass(state, kStart).kind, Kind::kRequests);
  state.set_limits({.tokens = 15});
  EXPECT_EQ(pass(state, kStart).kind, Kind::kAdmitted);
  EXPECT_EQ(pass(state, kStart).kind, Kind::kTokens);
}

TEST(ClientState, APassIsLeftBeforeItDies) {
  ClientState state({.concurrent = 1});
  EXPECT_DEATH(
      {
        ClientPass pass;
        static_cast<void>(pass.enter(state, kTen, kStart));
      },
      "invariant does not hold");
  ClientPass refused;
  ClientPass admitted;
  EXPECT_EQ(admitted.enter(state, kTen, kStart).kind, Kind::kAdmitted);
  EXPECT_EQ(refused.enter(state, kTen, kStart).kind, Kind::kConcurrent);
  refused.leave({}, kStart);
  EXPECT_EQ(refused.enter(state, kTen, kStart).kind, Kind::kConcurrent);
  admitted.leave({}, kStart);
}

TEST(ClientState, ManyThreadsGetNoMoreThanTheLimit) {
  ClientState state({.requests = 1000, .tokens = 5'000});
  std::atomic<int> admitted = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) admitted += pass(state, kStart).kind == Kind::kAdmitted;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(admitted.load(), 500);
  EXPECT_GT(admitted.load(), 400);
}

ClientKey client_with(const ClientLimits& limits) {
  ClientKey client;
  client.name = "c";
  client.limits = limits;
  return client;
}

Directory directory_of(const std::vector<ClientKey>& clients, const Directory* previous,
                       Instant now) {
  Directory directory;
  directory.clients = clients;
  finish_directory(directory, previous, now);
  return directory;
}

TEST(ClientState, OutlivesReloads) {
  const ClientKey limited = client_with({.requests = 1});
  const Directory first = directory_of({limited}, nullptr, kStart);
  ASSERT_NE(first.clients[0].state, nullptr);
  EXPECT_EQ(pass(*first.clients[0].state, kStart).kind, Kind::kAdmitted);
  const Directory second = directory_of({limited}, &first, kStart + 1s);
  EXPECT_EQ(second.clients[0].state, first.clients[0].state);
  // Without limits, without the key, and back.
  const Directory unlimited = directory_of({client_with({})}, &second, kStart + 2s);
  EXPECT_EQ(unlimited.clients[0].state, nullptr);
  const Directory gone = directory_of({}, &unlimited, kStart + 3s);
  const Directory back = directory_of({limited}, &gone, kStart + 4s);
  EXPECT_EQ(pass(*back.clients[0].state, kStart + 4s).kind, Kind::kRequests);
  const Directory later = directory_of({}, &back, kStart + 61s);
  EXPECT_TRUE(later.departed_clients.empty());
}

}  // namespace
}  // namespace sluice::test
