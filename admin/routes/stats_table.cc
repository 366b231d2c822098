// GET /stats: the accounts as a table, for browsers without scripts.
#include "admin/routes/stats_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "admin/account_condition.h"
#include "admin/control_room.h"
#include "admin/routes/json_text.h"
#include "admin/routes/routes.h"
#include "admin/routes/times.h"
#include "base/units.h"
#include "store/usage_groups.h"

namespace sluice {
namespace {

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark;font:15px/1.4 system-ui,sans-serif}"
    "body{margin:clamp(.8rem,3vw,2rem)}div{overflow-x:auto}"
    "table{border-collapse:collapse}th,td{padding:.35rem .6rem;text-align:right;white-space:nowrap;"
    "border-bottom:1px solid #8886}th:first-child,.t{text-align:left}"
    "tbody th{font-weight:400;position:sticky;left:0;max-width:min(45vw,18rem);overflow:hidden;"
    "text-overflow:ellipsis;background:Canvas}"
    "small{display:block;width:16rem;white-space:normal;opacity:.8}tfoot{font-weight:600}";

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

// A sum leaves out what has no price, and says so.
std::string cost_text(const UsageSums& sums) {
  if (sums.unpriced == 0) return "$" + dollars_text({sums.cost_nano_dollars});
  if (sums.cost_nano_dollars == 0) return "unknown";
  return "over $" + dollars_text({sums.cost_nano_dollars});
}

std::string usage_cells(const UsageSums& sums) {
  return fmt::format("<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>", sums.requests,
                     sums.errors, sums.failed_attempts, sums.total_tokens, cost_text(sums));
}

std::string back_text(const StatsRow& row) {
  if (!row.back_seconds) return "";
  return *row.back_seconds > 0 ? fmt::format("{} s", *row.back_seconds) : "next request";
}

std::string state_cell(const StatsRow& row) {
  return escape_html(row.status) +
         (row.why.empty() ? "" : "<small>" + escape_html(row.why) + "</small>");
}

StatsRow row_of(const Account& account, Instant now, std::int64_t now_ms) {
  const AccountView view = view_account(account, now, now_ms);
  const AccountCondition condition = condition_of(account, now);
  StatsRow row{.name = account.name,
               .pool = std::string(pool_text(account.pool)),
               .status = std::string(kAccountConditionNames[static_cast<std::size_t>(condition)]),
               .available = view.tokens,
               .limit = view.capacity,
               .in_flight = view.in_flight,
               .today = {}};
  const auto seconds_until = [now_ms](std::int64_t at_ms) {
    return std::max<std::int64_t>(0, (at_ms - now_ms + 999) / 1000);
  };
  if (const std::int64_t back_ms = std::max(view.cooldown_until_ms, view.hold_until_ms);
      back_ms != 0)
    row.back_seconds = seconds_until(back_ms);
  if (condition == AccountCondition::kFailing)
    row.back_seconds = view.breaker_open_until == 0 ? 0 : seconds_until(view.breaker_open_until);
  const bool bad = condition == AccountCondition::kFailing || condition == AccountCondition::kError;
  if (bad && view.last_fault) row.why = view.last_fault->summary;
  if (view.hold_until_ms != 0) row.why = "its provider says that nothing is left";
  return row;
}

StatsRow row_of(const UnopenedAccount& account) {
  return {.name = account.name,
          .pool = std::string(pool_text(account.pool)),
          .status = account.enabled ? "error" : "disabled",
          .why = account.why,
          .limit = account.rpm_limit,
          .today = {}};
}

AdminResponse get_stats(ControlRoom& room, const AdminRequest&) {
  Gateway& gateway = room.gateway();
  const std::int64_t now_ms = gateway.clock().unix_ms();
  const Instant now = gateway.clock().now();
  std::unordered_map<std::string, UsageSums> used;
  UsageSums today;
  std::string_view note;
  if (StoreEnvironment* const store = gateway.store(); store != nullptr) {
    UsageQuery query;
    query.from_hour = day_of_hour(hour_of(now_ms)) * kDayHours;
    query.side = UsageSide::kAccount;
    const auto groups = group_usage(*store, query);
    if (!groups) {
      note = "What was used cannot be read at present.";
    } else {
      today = groups->total;
      for (const UsageGroup& group : groups->groups) used.emplace(group.name, group.sums);
      if (groups->truncated) note = "There is too much to sum up: the first hours are left out.";
    }
  } else {
    note = "Nothing is stored, so there is no usage.";
  }
  std::vector<StatsRow> rows;
  const auto directory = gateway.directory();
  for (const auto& account : directory->accounts) rows.push_back(row_of(*account, now, now_ms));
  for (const UnopenedAccount& account : directory->unopened) rows.push_back(row_of(account));
  std::ranges::sort(rows, {}, &StatsRow::name);
  for (StatsRow& row : rows) {
    if (const auto found = used.find(row.name); found != used.end()) row.today = found->second;
  }
  AdminResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.fields = {{"content-security-policy", std::string(kStatsPolicy)},
                     {"cache-control", "no-store"},
                     {"cross-origin-opener-policy", "same-origin"},
                     {"cross-origin-resource-policy", "same-origin"}};
  response.body = stats_page(rows, today, rfc3339_text(now_ms), note);
  return response;
}

constexpr AdminRoute kRoutes[] = {
    {"GET", "/stats", Access::kRead, get_stats, Query::kIgnored},
};

}  // namespace

// The digest is that of the style sheet (RFC 4648 base64); a test takes it anew.
constinit const std::string_view kStatsPolicy =
    "default-src 'none'; style-src 'sha256-fLIeZ8fz2Yl7Y6znZ9cCEhj1WOdgYMQFS5v3ZGnYBK4='; "
    "form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'";

std::string_view stats_style() noexcept { return kStyle; }

std::string stats_page(const std::vector<StatsRow>& rows, const UsageSums& today,
                       std::string_view now_text, std::string_view note) {
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta http-equiv=\"refresh\" content=\"10\"><title>sluice: accounts</title>"
      "<style>{}</style></head><body><h1>Accounts</h1>\n",
      kStyle);
  if (!note.empty()) page += fmt::format("<p>{}</p>\n", escape_html(note));
  page += fmt::format(
      "<p>{}, usage since midnight UTC. <a href=\"/dashboard\">Dashboard</a></p>\n"
      "<div role=\"region\" aria-label=\"Accounts\" tabindex=\"0\"><table>"
      "<thead><tr><th scope=\"col\">Account</th><th scope=\"col\" class=\"t\">Status</th>"
      "<th scope=\"col\">Back in</th><th scope=\"col\" class=\"t\">Pool</th>"
      "<th scope=\"col\">Free / limit</th><th scope=\"col\">In flight</th>"
      "<th scope=\"col\">Requests</th><th scope=\"col\">Errors</th>"
      "<th scope=\"col\">Failed attempts</th><th scope=\"col\">Tokens</th>"
      "<th scope=\"col\">Cost</th></tr></thead>\n<tbody>\n",
      escape_html(now_text));
  for (const StatsRow& row : rows) {
    page += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"t\">{}</td><td>{}</td><td class=\"t\">{}</td>"
        "<td>{} / {}</td><td>{}</td>{}</tr>\n",
        escape_html(row.name), state_cell(row), back_text(row), escape_html(row.pool),
        row.available, row.limit, row.in_flight, usage_cells(row.today));
  }
  if (rows.empty()) page += "<tr><td class=\"t\" colspan=\"11\">There are no accounts.</td></tr>\n";
  page += fmt::format(
      "</tbody>\n<tfoot><tr><th scope=\"row\" colspan=\"6\">All, refused ones among them</th>{}"
      "</tr></tfoot></table></div></body></html>\n",
      usage_cells(today));
  return page;
}

std::span<const AdminRoute> table_routes() { return kRoutes; }

}  // namespace sluice
