#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>

#include "admin/live/account_watch.h"
#include "admin/live/failed_logins.h"
#include "tests/unit/admin/metrics_fixture.h"

namespace sluice {
namespace {

using test::kStart;
constexpr std::int64_t kUnixMs = 1'768'478'400'000;

Event event(EventKind kind, std::string id = {}) {
  return {.unix_ms = kUnixMs,
          .kind = kind,
          .account = {},
          .backend_id = std::move(id),
          .client = {},
          .text = "something"};
}

TEST(EventRing, LatestFirstByIdSeverityAndAccount) {
  EventRing ring;
  ring.add(event(EventKind::kStarted));
  ring.add(event(EventKind::kCooldownBegun, "bkd_a"));
  ring.add(event(EventKind::kAccountError, "bkd_b"));
  const auto ids = [&ring](const EventRing::Filter& filter) {
    std::vector<std::uint64_t> ids;
    for (const Event& one : ring.find(filter).events) ids.push_back(one.id);
    return ids;
  };
  using Ids = std::vector<std::uint64_t>;
  EXPECT_EQ(ids({.backend_id = {}}), (Ids{3, 2, 1}));
  EXPECT_EQ(ids({.after = 2, .backend_id = {}}), (Ids{3}));
  EXPECT_EQ(ids({.at_least = Severity::kWarning, .backend_id = {}}), (Ids{3, 2}));
  EXPECT_EQ(ids({.at_least = Severity::kError, .backend_id = {}}), (Ids{3}));
  EXPECT_EQ(ids({.backend_id = "bkd_a"}), (Ids{2}));
  EXPECT_EQ(ids({.backend_id = {}, .limit = 1}), (Ids{3}));
  EXPECT_EQ(ring.last_id(), 3u);
}

TEST(EventRing, TheOldestGoAndAreCounted) {
  EventRing ring;
  for (std::size_t i = 0; i < EventRing::kEventsMax + 5; ++i) ring.add(event(EventKind::kLogin));
  const EventRing::Page page = ring.find({.backend_id = {}, .limit = 2000});
  EXPECT_EQ(page.events.size(), EventRing::kEventsMax);
  EXPECT_EQ(page.dropped, 5u);
  EXPECT_EQ(page.events.back().id, 6u);
}

TEST(EventRing, WhatStrangersCausePushesNothingElseOut) {
  EventRing ring;
  ring.add(event(EventKind::kStarted));
  for (std::size_t i = 0; i < 2 * EventRing::kEventsMax; ++i)
    ring.add(event(EventKind::kLoginFailed));
  ring.add(event(EventKind::kLogin));
  const EventRing::Page page = ring.find({.backend_id = {}, .limit = 2000});
  EXPECT_EQ(page.events.size(), EventRing::kFailedLoginsMax + 2);
  EXPECT_EQ(page.events.front().kind, EventKind::kLogin);
  EXPECT_EQ(page.events.back().kind, EventKind::kStarted);
  EXPECT_EQ(page.events.at(1).id, 2 * EventRing::kEventsMax + 1);  // the latest are kept
  EXPECT_EQ(page.dropped, page.last_id - page.events.size());
}

TEST(FailedLogins, AreToldAtOnceAndThenTogetherOnceAMinute) {
  EventRing ring;
  FailedLogins failed;
  const auto count = [&](int times, Duration at) {
    for (int i = 0; i < times; ++i)
      failed.count(ring, "192.0.2." + std::to_string(i), kStart + at, kUnixMs);
  };
  const auto told = [&ring] {
    std::vector<std::string> texts;
    for (const Event& one : ring.find({.backend_id = {}}).events) texts.push_back(one.text);
    return texts;
  };
  const std::string first = "A wrong admin token came from 192.0.2.0.";
  const auto more = [](const char* many, const char* last) {
    return std::string(many) + " more wrong admin " +
           (std::string_view(many) == "1" ? "token" : "tokens") +
           " came since the last event of them, the last from 192.0.2." + last + ".";
  };
  using Texts = std::vector<std::string>;
  count(501, 0s);
  EXPECT_EQ(told(), Texts{first});
  failed.look(ring, kStart + 59s, kUnixMs);
  EXPECT_EQ(told(), Texts{first});
  failed.look(ring, kStart + 60s, kUnixMs);
  EXPECT_EQ(told(), (Texts{more("500", "500"), first}));
  count(7, 90s);
  count(1, 121s);  // before anybody has looked: it belongs to the next ones
  EXPECT_EQ(told(), (Texts{more("7", "6"), more("500", "500"), first}));
  failed.look(ring, kStart + 181s, kUnixMs);
  EXPECT_EQ(told().front(), more("1", "0"));
  failed.look(ring, kStart + 300s, kUnixMs);  // it is over
  EXPECT_EQ(told().size(), 4u);
  count(1, 301s);
  EXPECT_EQ(told().front(), first);
  EXPECT_EQ(ring.find({.backend_id = {}}).events.at(1).values,
            (EventValues{{"what", "more"}, {"count", "1"}, {"peer", "192.0.2.0"}}));
}

// An account is looked at when `at`; its latest cooldown is until `until` (0 s: there was none),
// and seen unless it is `hidden`: the account is disabled, say.
struct CooldownLook {
  Duration at;
  Duration until;
  const char* told;
  bool hidden = false;
};
struct CooldownRow {
  const char* name;
  std::vector<CooldownLook> looks;
};
const CooldownRow kCooldownRows[] = {
    {"one that is seen", {{0s, 0s, ""}, {1s, 5s, "begun 4;"}, {4s, 5s, ""}, {6s, 5s, "ended;"}}},
    {"one that runs at the first look", {{0s, 3s, "begun 3;"}, {3s, 3s, "ended;"}}},
    {"one between two looks",
     {{0s, 0s, ""}, {1001ms, 1000500us, "begun 1;ended;"}, {2s, 1000500us, ""}}},
    {"one after another", {{0s, 2s, "begun 2;"}, {1500ms, 2s, ""}, {2500ms, 3s, "ended;begun 1;"}}},
    {"one that a look found, one that none did",
     {{0s, 1s, "begun 1;"}, {2100ms, 2050ms, "ended;begun 1;ended;"}}},
    {"one that is lengthened", {{0s, 2s, "begun 2;"}, {1s, 30s, ""}, {2500ms, 30s, ""}}},
    {"one that is lengthened when it is all but over",
     {{0s, 1s, "begun 1;"}, {1001ms, 1050ms, ""}, {2s, 1050ms, "ended;"}}},
    {"one of long ago, of an account that is looked at first", {{5s, 2s, ""}, {6s, 2s, ""}}},
    {"one of long ago, of the account that has the name now", {{5s, 0s, ""}, {6s, 2s, ""}}},
    {"one that ends while the account is disabled",
     {{0s, 2s, "begun 2;"}, {1s, 2s, "ended;", true}, {3s, 2s, "", true}, {4s, 2s, ""}}},
};

TEST(AccountWatch, TellsOfEachCooldownOnce) {
  Account account;
  account.name = "team-a";
  const AccountHealth health;
  const TaggedAccounts names;
  for (const CooldownRow& row : kCooldownRows) {
    AccountWatch watch;
    EventRing ring;
    std::uint64_t seen = 0;
    for (const CooldownLook& look : row.looks) {
      AccountView view;
      view.at = kStart + look.at;
      if (look.until > 0s) view.cooled_until = kStart + look.until;
      const std::int64_t unix_ms = kUnixMs + look.at / 1ms;
      if (look.until > look.at && !look.hidden) view.cooldown_until_ms = kUnixMs + look.until / 1ms;
      watch.look(account, view, health, names, unix_ms, ring);
      std::string told;
      for (const Event& one : ring.find({.after = seen, .backend_id = {}}).events) {
        const bool begun = one.kind == EventKind::kCooldownBegun;
        told.insert(0, begun ? "begun " + one.values.front().second + ";" : "ended;");
      }
      seen = ring.last_id();
      EXPECT_EQ(told, look.told) << row.name << " at " << look.at / 1ms << " ms";
    }
  }
}

TEST(AccountWatch, TellsOfEachChangeOnce) {
  Account account;
  account.name = "team-a";
  AccountWatch watch;
  EventRing ring;
  const TaggedAccounts names;
  AccountHealth health;
  const auto look = [&](const AccountView& view) {
    watch.look(account, view, health, names, kUnixMs, ring);
    std::string kinds;
    static std::uint64_t seen = 0;
    for (const Event& one : ring.find({.after = seen, .backend_id = {}}).events)
      kinds = std::string(kEventKindNames[static_cast<std::size_t>(one.kind)]) + ";" + kinds;
    seen = ring.last_id();
    return kinds;
  };
  AccountView view;
  EXPECT_EQ(look(view), "");
  view.cooldown_until_ms = kUnixMs + 30'000;
  EXPECT_EQ(look(view), "cooldown_begun;");
  EXPECT_EQ(look(view), "");
  view.cooldown_until_ms = 0;
  EXPECT_EQ(look(view), "cooldown_ended;");
  view.status = AccountStatus::kError;
  EXPECT_EQ(look(view), "account_error;");
  view.status = AccountStatus::kHealthy;
  view.breaker = BreakerState::kOpen;
  EXPECT_EQ(look(view), "account_recovered;breaker_opened;");
  view.breaker = BreakerState::kHalfOpen;
  EXPECT_EQ(look(view), "");
  view.breaker = BreakerState::kClosed;
  view.retreat = Retreat::State::kRetreat;
  EXPECT_EQ(look(view), "breaker_closed;retreat_begun;");
  view.retreat = Retreat::State::kRecover;
  EXPECT_EQ(look(view), "");
  view.retreat = Retreat::State::kNormal;
  EXPECT_EQ(look(view), "retreat_ended;");
  health.state = Health::kHealthy;
  EXPECT_EQ(look(view), "");
  health.state = Health::kDown;
  EXPECT_EQ(look(view), "health_changed;");
  EXPECT_EQ(look(view), "");
  health.state = Health::kHealthy;
  EXPECT_EQ(look(view), "health_changed;");
}

TEST(AccountWatch, AnAccountThatIsDownIsAnErrorAndADegradedOneAWarning) {
  const struct {
    Health state;
    Severity severity;
  } rows[] = {{Health::kDown, Severity::kError},
              {Health::kDegraded, Severity::kWarning},
              {Health::kHealthy, Severity::kInfo}};
  Account account;
  account.name = "team-a";
  AccountWatch watch;
  EventRing ring;
  for (const auto& row : rows) {
    AccountHealth health;
    health.state = row.state;
    health.last_status = 503;
    watch.look(account, {}, health, TaggedAccounts(), kUnixMs, ring);
    const Event told = ring.find({.backend_id = {}}).events.at(0);
    EXPECT_EQ(told.severity(), row.severity) << told.text;
    EXPECT_EQ(
        told.values,
        (EventValues{{"what", "answered"},
                     {"state", std::string(kHealthNames[static_cast<std::size_t>(row.state)])},
                     {"status", "503"},
                     {"ms", "0"}}));
  }
}

TEST(AccountWatch, WhatDegradesAnAccountThatAnswersItsProbesIsTold) {
  Account account;
  account.name = "team-a";
  AccountHealth health;
  health.state = Health::kDegraded;
  health.last_status = 200;
  health.success_rate = 0.625;
  AccountWatch watch;
  EventRing ring;
  watch.look(account, {}, health, TaggedAccounts(), kUnixMs, ring);
  EXPECT_EQ(ring.find({.backend_id = {}}).events.at(0).values,
            (EventValues{{"what", "rate"}, {"state", "degraded"}, {"percent", "62"}}));
}

TEST(AccountWatch, WhatWasKnownBeforeARestartIsNotToldAnew) {
  Account account;
  account.name = "team-a";
  AccountHealth health;
  health.state = Health::kDegraded;
  health.last_status = 200;
  health.restored = true;
  AccountWatch watch;
  EventRing ring;
  const auto told = [&] {
    watch.look(account, {}, health, TaggedAccounts(), kUnixMs, ring);
    return ring.find({.backend_id = {}}).events.size();
  };
  EXPECT_EQ(told(), 0u);
  const auto probe = [&](int status) {
    health = judge_health(health, {.status = status, .took = 1ms, .unix_ms = kUnixMs});
  };
  probe(503);
  EXPECT_EQ(told(), 0u);  // degraded, as before
  probe(200);
  EXPECT_EQ(told(), 1u);
  probe(503);
  EXPECT_EQ(told(), 2u);
}

TEST(AccountWatch, HowLongAProbeTookIsToldBelowAMillisecondToo) {
  const struct {
    Duration took;
    std::string_view ms;
  } rows[] = {{300us, "0.3"}, {1ms, "1"}, {2540us, "2.5"}, {12'700us, "12"}, {1500ms, "1500"}};
  Account account;
  account.name = "team-a";
  for (const auto& row : rows) {
    AccountWatch watch;
    EventRing ring;
    const AccountHealth health =
        judge_health({}, {.status = 503, .took = row.took, .unix_ms = kUnixMs});
    watch.look(account, {}, health, TaggedAccounts(), kUnixMs, ring);
    const Event told = ring.find({.backend_id = {}}).events.at(0);
    EXPECT_TRUE(told.text.ends_with(fmt::format(" 503 after {} ms.", row.ms))) << told.text;
    EXPECT_EQ(told.values.back().second, row.ms);
  }
}

TEST(AccountWatch, AKeyThatDoesNotOpenIsToldOnceAndThatItDoesAgain) {
  AccountWatch watch;
  EventRing ring;
  UnopenedAccount unopened{.name = "team-a", .why = "it is damaged", .enabled = false};
  watch.look(unopened, TaggedAccounts(), kUnixMs, ring);
  EXPECT_EQ(ring.last_id(), 0u);  // nobody wants to use it
  unopened.enabled = true;
  for (int i = 0; i < 2; ++i) watch.look(unopened, TaggedAccounts(), kUnixMs, ring);
  ASSERT_EQ(ring.last_id(), 1u);
  const Event told = ring.find({.backend_id = {}}).events.at(0);
  EXPECT_EQ(told.kind, EventKind::kAccountError);
  EXPECT_EQ(told.account, "team-a");
  EXPECT_EQ(told.values, (EventValues{{"what", "unopened"}, {"why", "it is damaged"}}));
  Account account;
  account.name = "team-a";
  watch.look(account, {}, {}, TaggedAccounts(), kUnixMs, ring);
  EXPECT_EQ(ring.find({.backend_id = {}}).events.at(0).kind, EventKind::kAccountRecovered);
}

struct ProbeRow {
  const char* what;
  AccountHealth before;
  int status;
  Duration took;
  Health after;
  std::uint32_t failures;
};

AccountHealth health(Health state, std::uint32_t failures, std::optional<double> rate = {}) {
  AccountHealth health;
  health.state = state;
  health.failures = failures;
  health.success_rate = rate;
  return health;
}

TEST(JudgeHealth, OnlyASuccessIsOneAndEndsTheRow) {
  const ProbeRow rows[] = {
      {"a first success", {}, 200, 1ms, Health::kHealthy, 0},
      {"a success ends the row (COMPAT, fault 31)", health(Health::kDown, 9), 200, 1ms,
       Health::kHealthy, 0},
      {"one failure", health(Health::kHealthy, 0), 500, 1ms, Health::kDegraded, 1},
      {"no answer is a failure", health(Health::kHealthy, 1), 0, 15s, Health::kDegraded, 2},
      {"the third in a row", health(Health::kDegraded, 2), 503, 1ms, Health::kDown, 3},
      {"a refused key at once", health(Health::kHealthy, 0), 401, 1ms, Health::kDown, 1},
      {"slow", {}, 200, 6s, Health::kDegraded, 0},
      {"few attempts succeed", health(Health::kHealthy, 0, 0.5), 200, 1ms, Health::kDegraded, 0},
      {"no list of models, no traffic", {}, 404, 1ms, Health::kUnknown, 0},
      {"no list of models, good traffic", health(Health::kUnknown, 0, 1.0), 404, 1ms,
       Health::kHealthy, 0},
      {"a limit that is used up says nothing", health(Health::kHealthy, 0), 429, 1ms,
       Health::kHealthy, 0},
  };
  for (const ProbeRow& row : rows) {
    const AccountHealth after =
        judge_health(row.before, {.status = row.status, .took = row.took, .unix_ms = kUnixMs});
    EXPECT_EQ(after.state, row.after) << row.what;
    EXPECT_EQ(after.failures, row.failures) << row.what;
    EXPECT_EQ(after.last_check_ms, kUnixMs) << row.what;
    EXPECT_EQ(after.last_status, row.status) << row.what;
  }
}

}  // namespace
}  // namespace sluice
