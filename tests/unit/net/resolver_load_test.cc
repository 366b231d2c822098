// Many lookups at once.

#include <gtest/gtest.h>

#include "base/prng.h"
#include "engine/task/scope.h"
#include "tests/unit/net/net_fixture.h"

namespace sluice {
namespace {

class ResolverLoadTest : public NetTest {
 protected:
  // What a name of this number is like: some are slow, some broken, most are fine.
  DnsServer::Record record(std::size_t number) {
    switch (number % 8) {
      case 0: return {.silent = true};
      case 1: return {.rcode = 2};
      case 2: return {.rcode = 3};
      case 3: return {.a = {"192.0.2.1"}, .truncated = true};
      case 4: return {.nonsense = true};
      case 5: return {.a = {"192.0.2.1"}, .cname = "other.example", .ttl = 0};
      default: return {.a = {"192.0.2.1", "192.0.2.2"}, .aaaa = {"2001:db8::1"}};
    }
  }
  static std::string name_of(std::size_t number) {
    return "n" + std::to_string(number) + ".example";
  }
};

struct Tally {
  std::size_t answered = 0;
  std::size_t failed = 0;
};

Task<void> look_up_one(Reactor& reactor, Resolver& resolver, std::string host, Limits limits,
                       Tally& tally) {
  Task<Result<AddressList>> resolving = resolve(reactor, resolver, host, limits);
  const Result<AddressList> found = co_await resolving;
  if (found) ++tally.answered;
  else ++tally.failed;
}

Task<void> join(Reactor&, Scope& scope) { co_await scope.join(); }

// Under a seed: callers come, some run out of time, some are called off, and at the end the
// resolver is stopped in the middle of it. Nobody is forgotten and nothing stays behind.
TEST_F(ResolverLoadTest, EveryoneGetsAnAnswerAndNothingIsLeft) {
  constexpr std::size_t kNames = 64;
  constexpr std::size_t kCallers = 600;
  for (std::size_t i = 0; i < kNames; ++i) server_.set(name_of(i), record(i));
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Prng prng(seed);
    Resolver resolver;
    ASSERT_EQ(resolver.open({.dns = dns_options(server_.address())}, nullptr), "");
    Tally tally;
    CancelSource cancel;
    Scope scope(*reactor_);
    for (std::size_t i = 0; i < kCallers; ++i) {
      Limits limits;
      if (prng.below(3) == 0) {
        limits.deadline = reactor_->now() + Duration(1ms) * prng.below(100);
      }
      if (prng.below(4) == 0) limits.cancel = &cancel;
      scope.spawn(look_up_one(*reactor_, resolver, name_of(prng.below(kNames)), limits, tally));
      if (prng.below(5) == 0) reactor_->turn(reactor_->now());
      if (i == kCallers / 2) cancel.request(Error{.code = Errc::kCancelled});
    }
    turn_until(reactor_->now() + Duration(1ms) * prng.below(100));
    Task<void> stopping = stop(*reactor_, resolver);
    finish(stopping);
    Task<void> joining = join(*reactor_, scope);
    finish(joining);
    EXPECT_EQ(tally.answered + tally.failed, kCallers) << "seed " << seed;
    EXPECT_GT(tally.answered, 0u) << "seed " << seed;
    EXPECT_EQ(reactor_->blocks().bytes_in_use(), 0u) << "seed " << seed;
    EXPECT_LE(resolver.counters().queries, kNames * 4) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice
