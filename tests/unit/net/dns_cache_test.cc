#include "engine/net/dns_cache.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using Verdict = DnsCache::Verdict;
using Failure = DnsCache::Failure;

constexpr Instant kStart(1000s);

AddressList one_address() {
  AddressList list;
  list.add(*parse_ip("192.0.2.1"));
  return list;
}

// What find() says `after` an event that happened at kStart to a name whose addresses, with a TTL
// of `ttl`, were stored `before` that (nothing was when it is zero).
struct AgeRow {
  const char* rule;
  Duration ttl;
  Duration before;
  std::optional<Failure> failure;
  Duration after;
  Verdict verdict;
};
constexpr AgeRow kAgeRows[] = {
    {"an unknown name is asked for", 0s, 0s, {}, 0s, Verdict::kAsk},
    {"addresses hold for their TTL", 60s, 1s, {}, 58s, Verdict::kAnswer},
    {"and are asked for anew after it", 60s, 1s, {}, 59s, Verdict::kAskOrStale},
    {"a TTL of zero holds a second", 0s, 1ms, {}, 998ms, Verdict::kAnswer},
    {"and no longer", 0s, 1ms, {}, 999ms, Verdict::kAskOrStale},
    {"a TTL of a day holds 300 s", 24h, 1ms, {}, 300s - 2ms, Verdict::kAnswer},
    {"and no longer", 24h, 1ms, {}, 300s - 1ms, Verdict::kAskOrStale},
    {"expired addresses are gone after ten minutes", 60s, 1s, {}, 659s, Verdict::kAsk},
    {"a failure keeps others from asking", 0s, 0s, Failure::kNoAnswer, 999ms, Verdict::kError},
    {"for a second", 0s, 0s, Failure::kNoAnswer, 1s, Verdict::kAsk},
    {"a name that is not there stays so", 0s, 0s, Failure::kNoSuchName, 4999ms, Verdict::kError},
    {"for five seconds", 0s, 0s, Failure::kNoSuchName, 5s, Verdict::kAsk},
    {"a name without addresses too", 0s, 0s, Failure::kNoAddress, 4999ms, Verdict::kError},
    {"expired addresses serve after a failure", 1s, 2s, Failure::kNoAnswer, 1ms, Verdict::kAnswer},
    {"then it is asked beside them", 1s, 2s, Failure::kNoAnswer, 1s, Verdict::kAnswerAndAsk},
    {"for ten minutes", 1s, 600s, Failure::kNoAnswer, 999ms, Verdict::kAnswer},
    {"and no longer", 1s, 600500ms, Failure::kNoAnswer, 500ms, Verdict::kError},
    {"also after an empty answer", 1s, 2s, Failure::kNoAddress, 1ms, Verdict::kAnswer},
    {"but not after a denial", 1s, 2s, Failure::kNoSuchName, 1ms, Verdict::kError},
};

TEST(DnsCacheTest, KnowsWhatStillHolds) {
  for (const AgeRow& row : kAgeRows) {
    DnsCache cache;
    if (row.before > 0s) {
      cache.store("a.example", one_address(), Ipv6::kReachable, row.ttl, kStart - row.before);
    }
    if (row.failure) cache.store_failure("a.example", *row.failure, 0, kStart);
    const DnsCache::Found found = cache.find("a.example", kStart + row.after);
    EXPECT_EQ(static_cast<int>(found.verdict), static_cast<int>(row.verdict)) << row.rule;
    const bool has_addresses = row.verdict != Verdict::kAsk && row.verdict != Verdict::kError;
    EXPECT_EQ(found.addresses.size(), has_addresses ? 1u : 0u) << row.rule;
    const bool is_expired = has_addresses && row.before + row.after >= DnsCache::kTtlMin &&
                            row.before + row.after >= std::min(row.ttl, DnsCache::kTtlMax);
    EXPECT_EQ(found.expired, is_expired) << row.rule;
    EXPECT_EQ(found.error.code != Errc::kOk, row.verdict == Verdict::kError) << row.rule;
  }
}

TEST(DnsCacheTest, TheErrorTellsTheKindAndTheCause) {
  DnsCache cache;
  cache.store_failure("gone.example", Failure::kNoSuchName, 0, kStart);
  cache.store_failure("down.example", Failure::kNoAnswer, ETIMEDOUT, kStart);
  EXPECT_EQ(cache.find("gone.example", kStart).error,
            (Error{Errc::kNameNotFound, Side::kUpstream, Retry::kSafe, 0}));
  EXPECT_EQ(cache.find("down.example", kStart).error,
            (Error{Errc::kNameLookupFailed, Side::kUpstream, Retry::kSafe, ETIMEDOUT}));
}

TEST(DnsCacheTest, AFreshAnswerEndsAFailure) {
  DnsCache cache;
  cache.store_failure("a.example", Failure::kNoAnswer, 0, kStart);
  cache.store("a.example", one_address(), Ipv6::kReachable, 60s, kStart);
  EXPECT_EQ(cache.find("a.example", kStart).verdict, Verdict::kAnswer);
}

TEST(DnsCacheTest, TheNameUsedLongestAgoGivesWay) {
  DnsCache cache;
  const auto name = [](std::size_t i) { return "n" + std::to_string(i) + ".example"; };
  for (std::size_t i = 0; i < DnsCache::kNamesMax; ++i) {
    cache.store(name(i), one_address(), Ipv6::kReachable, 60s, kStart);
  }
  EXPECT_EQ(cache.find(name(0), kStart).verdict, Verdict::kAnswer);
  cache.store("one.more.example", one_address(), Ipv6::kReachable, 60s, kStart);
  EXPECT_EQ(cache.size(), DnsCache::kNamesMax);
  EXPECT_EQ(cache.find(name(0), kStart).verdict, Verdict::kAnswer);
  EXPECT_EQ(cache.find(name(1), kStart).verdict, Verdict::kAsk);
}

TEST(DnsCacheTest, EveryUseTurnsTheAddresses) {
  AddressList list;
  list.add(*parse_ip("192.0.2.1"));
  list.add(*parse_ip("192.0.2.2"));
  DnsCache cache;
  cache.store("a.example", list, Ipv6::kReachable, 60s, kStart);
  EXPECT_EQ(cache.find("a.example", kStart).addresses[0], list[0]);
  EXPECT_EQ(cache.find("a.example", kStart).addresses[0], list[1]);
  EXPECT_EQ(cache.find("a.example", kStart).addresses[0], list[0]);
}

}  // namespace
}  // namespace sluice
