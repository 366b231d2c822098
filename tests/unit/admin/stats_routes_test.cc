// The statistics of the API at instants that a real gateway cannot be brought to.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "admin/account_id.h"
#include "admin/routes/json_text.h"
#include "admin/routes/request_rows.h"
#include "admin/routes/stats_table.h"
#include "admin/routes/times.h"
#include "parser/base64.h"
#include "store/catalog.h"
#include "tests/unit/admin/fake_gateway.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kDayMs = 24 * kHourMs;

std::shared_ptr<const Config> config_with(std::string name) {
  auto config = std::make_shared<Config>();
  AccountConfig account;
  account.name = std::move(name);
  account.base_url = "https://a.example/v1";
  account.api_key = Secret("sk-test-a");
  config->accounts.push_back(std::move(account));
  return config;
}

class StatsRoutesTest : public StoreTest {
 protected:
  // A noon, three days after the tests' events may begin.
  std::int64_t now_ms() { return gateway_.clock().unix_ms(); }
  std::int64_t today_ms() { return now_ms() / kDayMs * kDayMs; }

  UsageEvent at(std::int64_t unix_ms) {
    UsageEvent event = end_event(++sequence_, 0);
    event.unix_ms = unix_ms;
    return event;
  }
  void apply(std::vector<UsageEvent> events) { ASSERT_TRUE(ledger_.apply("shard-0", events)); }

  AdminResponse get(std::string_view target, ControlRoom& room) {
    AdminRequest request;
    const std::size_t mark = std::min(target.find('?'), target.size());
    if (mark < target.size()) {
      EXPECT_TRUE(parse_query(target.substr(mark + 1), request.query));
    }
    const AdminMatch match = find_route(admin_routes(), "GET", target.substr(0, mark));
    EXPECT_NE(match.route, nullptr) << target;
    if (match.route == nullptr) return {};
    EXPECT_EQ(match.route->access, Access::kRead);
    return answer_route(room, *match.route, request);
  }
  Json json(std::string_view target) {
    const AdminResponse response = get(target, room_);
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    return Json::parse(response.body);
  }

  UsageLedger ledger_{*writer_};
  std::uint64_t sequence_ = 0;
  FakeGateway gateway_{config_with("team-a"), environment_.get()};
  ControlRoom room_{gateway_, {}};
};

TEST_F(StatsRoutesTest, WithoutAStoreThereAreNoStatisticsButTheTable) {
  FakeGateway bare(config_with("team-a"), nullptr);
  ControlRoom room(bare, {});
  for (const char* const target :
       {"/api/admin/stats/total", "/api/admin/stats/hourly", "/api/admin/stats/daily",
        "/api/admin/stats/cooldown", "/api/admin/usage", "/api/admin/requests"})
    EXPECT_EQ(get(target, room).status, 503) << target;
  const AdminResponse table = get("/stats", room);
  EXPECT_EQ(table.status, 200);
  EXPECT_NE(table.body.find("<th scope=\"row\">team-a</th>"), std::string::npos);
}

// The predecessor lost the last 30 s before midnight.
TEST_F(StatsRoutesTest, TheLastMomentBeforeMidnightIsOfItsDay) {
  apply({at(today_ms() - 1), at(today_ms())});
  const Json days = json("/api/admin/stats/daily?days=2");
  ASSERT_EQ(days.size(), 2u);
  EXPECT_EQ(days[0]["date"], date_text(static_cast<std::uint32_t>(today_ms() / kDayMs)));
  EXPECT_EQ(days[1]["date"], date_text(static_cast<std::uint32_t>(today_ms() / kDayMs - 1)));
  for (const Json& day : days) EXPECT_EQ(day["total_requests"], 1);
  EXPECT_EQ(json("/api/admin/stats/daily?days=1").size(), 1u);
  const Json usage = json("/api/admin/usage?group_by=day");
  ASSERT_EQ(usage["rows"].size(), 2u);
  EXPECT_EQ(usage["rows"][0]["day"], days[1]["date"]);
  EXPECT_NE(get("/stats", room_).body.find("<td>1</td><td>0</td><td>0</td><td>15</td>"),
            std::string::npos);
}

// For the predecessor `hours` was the number of rows as well.
TEST_F(StatsRoutesTest, HoursAreHoursHoweverManyRowsTheyHave) {
  std::vector<UsageEvent> events;
  for (const char* const model : {"m1", "m2", "m3"}) {
    for (int hour = 0; hour < 3; ++hour) {
      events.push_back(at(now_ms() - hour * kHourMs));
      events.back().model = model;
    }
  }
  apply(std::move(events));
  EXPECT_EQ(json("/api/admin/stats/hourly?hours=1").size(), 3u);
  EXPECT_EQ(json("/api/admin/stats/hourly?hours=2").size(), 6u);
  EXPECT_EQ(json("/api/admin/stats/hourly").size(), 9u);
}

// The shape has no room to say so: a field of the head does, and where the others are.
TEST_F(StatsRoutesTest, HoursThatTheAnswerHasNoRoomForAreTold) {
  constexpr int kModels = 25, kHours = 43, kRoom = 40;  // hours that there is room for
  room_.set_hour_rows_max(kModels * kRoom);
  std::vector<std::string> models;
  for (int i = 0; i < kModels; ++i) models.push_back("m" + std::to_string(i));
  for (int hour = 0; hour < kHours; ++hour) {
    std::vector<UsageEvent> events;
    for (const std::string& model : models) {
      events.push_back(at(now_ms() - hour * kHourMs));
      events.back().model = model;
    }
    apply(std::move(events));
  }
  const auto field = [](const AdminResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.fields)
      if (key == name) return value;
    return std::string();
  };
  const AdminResponse fits = get("/api/admin/stats/hourly?hours=40", room_);
  EXPECT_EQ(Json::parse(fits.body).size(), static_cast<std::size_t>(kModels * kRoom));
  EXPECT_EQ(field(fits, "x-sluice-truncated") + field(fits, "link"), "");
  const AdminResponse cut = get("/api/admin/stats/hourly?hours=500&backend_id=team-a", room_);
  EXPECT_EQ(Json::parse(cut.body).size(), static_cast<std::size_t>(kModels * kRoom));
  EXPECT_EQ(field(cut, "x-sluice-truncated"), "true");
  const std::string link = field(cut, "link");
  ASSERT_TRUE(link.starts_with("</api/admin/stats/hourly?hours=500&to=")) << link;
  ASSERT_TRUE(link.ends_with("&backend_id=team-a>; rel=\"next\"")) << link;
  const AdminResponse rest = get(link.substr(1, link.find('>') - 1), room_);
  EXPECT_EQ(Json::parse(rest.body).size(), static_cast<std::size_t>(kModels * (kHours - kRoom)));
  EXPECT_EQ(field(rest, "x-sluice-truncated"), "");
}

// The predecessor's sank: each of its steps was truncated to whole milliseconds.
TEST_F(StatsRoutesTest, TheAverageLatencyIsThatOfTheSum) {
  std::vector<UsageEvent> events;
  for (const std::uint64_t latency_us : {1'999u, 1'999u, 2'003u}) {
    events.push_back(at(now_ms()));
    events.back().latency_us = latency_us;
  }
  apply(std::move(events));
  const Json hours = json("/api/admin/stats/hourly");
  ASSERT_EQ(hours.size(), 1u);
  EXPECT_EQ(hours[0]["account"], std::string(at(now_ms()).account));
  EXPECT_DOUBLE_EQ(hours[0]["avg_latency_ms"].get<double>(), 6'001.0 / 3 / 1000);
}

TEST_F(StatsRoutesTest, CostsAreExact) {
  std::vector<UsageEvent> events = {at(now_ms()), at(now_ms())};
  events[0].cost_nano_dollars = 9'007'199'254'740'993;  // no double has it
  events[1].cost_nano_dollars = 1;
  apply(std::move(events));
  EXPECT_NE(get("/api/admin/stats/total", room_).body.find("\"total_cost\":9007199.254740994}"),
            std::string::npos);
}

TEST_F(StatsRoutesTest, TheSpanOfUsageIsOfWholeHours) {
  const std::int64_t hour_ms = now_ms() / kHourMs * kHourMs;
  apply({at(hour_ms - 2 * kHourMs), at(hour_ms - kHourMs), at(hour_ms)});
  const struct {
    const char* what;
    std::int64_t from, to, shown_from, shown_to;
    int requests;
  } rows[] = {
      {"one hour", hour_ms - kHourMs, hour_ms, hour_ms - kHourMs, hour_ms, 1},
      {"parts of two", hour_ms - kHourMs - 1, hour_ms - 1, hour_ms - 2 * kHourMs, hour_ms, 2},
      {"until now", hour_ms, now_ms(), hour_ms, now_ms(), 1},
      {"nothing but a moment", hour_ms - kHourMs, hour_ms - kHourMs + 1, hour_ms - kHourMs, hour_ms,
       1},
  };
  for (const auto& row : rows) {
    const Json usage = json("/api/admin/usage?group_by=account&from=" + rfc3339_text(row.from) +
                            "&to=" + rfc3339_text(row.to));
    EXPECT_EQ(usage["from"], rfc3339_text(row.shown_from)) << row.what;
    EXPECT_EQ(usage["to"], rfc3339_text(row.shown_to)) << row.what;
    EXPECT_EQ(usage["total"]["requests"], row.requests) << row.what;
  }
}

TEST_F(StatsRoutesTest, AccountsAreFoundByIdAndNameAlsoWhenTheyAreGone) {
  StoredAccount stored;
  stored.id = "bkd_0123456789ab";
  stored.name = "team-s";
  ASSERT_TRUE(put_account(*writer_, stored));
  StoredAccount hidden = stored;
  hidden.id = "bkd_ba9876543210";
  hidden.name = "team-a";  // the configuration has one of this name
  ASSERT_TRUE(put_account(*writer_, hidden));
  std::vector<UsageEvent> events;
  for (const char* const name : {"team-a", "team-s", "team-gone", ""}) {
    events.push_back(at(now_ms()));
    events.back().account = name;
  }
  apply(std::move(events));
  const struct {
    std::string given;
    std::string name;  // "": nobody's
    Json id;
  } rows[] = {
      {"team-a", "team-a", account_id_of("team-a")},
      {account_id_of("team-a"), "team-a", account_id_of("team-a")},
      {"team-s", "team-s", stored.id},
      {stored.id, "team-s", stored.id},
      {"team-gone", "team-gone", nullptr},
      {account_id_of("team-gone"), "team-gone", nullptr},
      {account_id_of("team-never"), "", nullptr},
      {"bkd_ba9876543210", "", nullptr},
  };
  for (const auto& row : rows) {
    const Json found = json("/api/admin/requests?backend_id=" + row.given)["requests"];
    EXPECT_EQ(found.size(), row.name.empty() ? 0u : 1u) << row.given;
    if (row.name.empty() || found.size() != 1) continue;
    EXPECT_EQ(found[0]["account"], row.name) << row.given;
    EXPECT_EQ(found[0]["backend_id"], row.id) << row.given;
  }
}

TEST(AccountId, IsOfTheFormOfStoredOnesAndStaysTheSame) {
  EXPECT_EQ(account_id_of("team-a"), "bkd_4035d82b6822");
  EXPECT_TRUE(is_account_id(account_id_of("")));
  EXPECT_NE(account_id_of("team-a"), account_id_of("team-b"));
}

TEST(JsonTextTest, AmountsAreDecimalAndTextsAreUtf8) {
  const struct {
    std::uint64_t nano;
    std::string_view text;
  } rows[] = {{0, "0"},
              {1, "0.000000001"},
              {90'000, "0.00009"},
              {1'000'000'000, "1"},
              {10'500'000'000, "10.5"},
              {UINT64_MAX, "18446744073.709551615"}};
  for (const auto& row : rows) EXPECT_EQ(dollars_text({row.nano}), row.text);
  JsonText text;
  text.begin('{').member("a", "\"\xff\n").name("b").begin('[').value(true).value(1.5);
  text.value(nullptr).end(']').member("c", std::optional<double>()).end('}');
  EXPECT_EQ(text.take(), "{\"a\":\"\\\"\xef\xbf\xbd\\n\",\"b\":[true,1.5,null],\"c\":null}\n");
}

TEST(RequestCursor, IsReadAsItWasWritten) {
  for (const RequestKey key : {RequestKey{}, RequestKey{1'700'000'000'000, 3, 77},
                               RequestKey{UINT64_MAX, UINT32_MAX, UINT64_MAX}})
    EXPECT_EQ(parse_cursor(cursor_text(key)), key);
  for (const char* const text : {"", "-", "1", "1-2", "1-2-", "1-2-3-", "1-2-3 ", " 1-2-3", "1--3",
                                 "g-2-3", "1-100000000-3", "10000000000000000-1-1"})
    EXPECT_FALSE(parse_cursor(text)) << text;
}

TEST(StatsTable, WhatHasNoPriceIsNotFree) {
  const struct {
    std::uint64_t cost, unpriced;
    std::string_view text;
  } rows[] = {{0, 0, "<td>$0</td>"},
              {1'500'000'000, 0, "<td>$1.5</td>"},
              {1'500'000'000, 2, "<td>over $1.5</td>"},
              {0, 2, "<td>unknown</td>"}};
  for (const auto& row : rows) {
    UsageSums sums;
    sums.cost_nano_dollars = row.cost;
    sums.unpriced = row.unpriced;
    const std::string page = stats_page({}, sums, "now", "");
    EXPECT_NE(page.find(row.text), std::string::npos) << row.text;
  }
}

TEST(StatsTable, ABreakerWhoseTimeIsUpWaitsForTheNextRequest) {
  StatsRow row;
  row.back_seconds = 0;
  EXPECT_NE(stats_page({row}, {}, "now", "").find("<td>next request</td>"), std::string::npos);
}

TEST(StatsTable, NamesStayTextAndTheStyleIsTheOneThatMayBe) {
  StatsRow row;
  row.name = "<script>alert('&\"')</script>";
  row.back_seconds = 12;
  row.why = "the provider <i>failed</i>";
  const std::string page = stats_page({row}, {}, "now", "a <b>");
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"),
            std::string::npos);
  EXPECT_NE(page.find("<p>a &lt;b&gt;</p>"), std::string::npos);
  EXPECT_NE(page.find("<td>12 s</td>"), std::string::npos);
  EXPECT_NE(page.find("<small>the provider &lt;i&gt;failed&lt;/i&gt;</small>"), std::string::npos);
  EXPECT_NE(page.find("<style>" + std::string(stats_style()) + "</style>"), std::string::npos);
  const Sha256Digest digest = sha256(stats_style());
  constexpr std::string_view kBefore = "style-src 'sha256-";
  const std::string_view policy = kStatsPolicy.substr(kStatsPolicy.find(kBefore) + kBefore.size());
  EXPECT_EQ(decode_base64(policy.substr(0, policy.find('\''))), text_of(digest));
}

}  // namespace
}  // namespace sluice::test
