// GET /stats: the accounts as a table, for browsers without scripts.
#include "admin/routes/stats_table.h"

#include <fmt/format.h>

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
    ":root{color-scheme:light dark;font:15px/1.4 system-ui,sans-serif}body{margin:2rem}"
    "table{border-collapse:collapse}th,td{padding:.35rem .8rem;text-align:right;"
    "border-bottom:1px solid #8886}th:first-child,td:first-child,.t{text-align:left}"
    "tfoot{font-weight:600}caption{text-align:left;padding-bottom:.6rem}";

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

std::string usage_cells(const UsageSums& sums) {
  return fmt::format("<td>{}</td><td>{}</td><td>{}</td><td>${}</td>", sums.requests, sums.errors,
                     sums.total_tokens, dollars_text({sums.cost_nano_dollars}));
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
  for (const auto& account : directory->accounts) {
    AccountState& state = *account->state;
    StatsRow& row = rows.emplace_back();
    row.name = account->name;
    row.pool = pool_text(account->pool);
    row.status = kAccountConditionNames[static_cast<std::size_t>(condition_of(*account, now))];
    row.available = state.available(now);
    row.limit = state.limit();
    row.in_flight = state.in_flight();
    if (state.cooldown().running(now))
      row.cooldown_seconds = ceil_seconds(state.cooldown().until() - now);
    if (const auto found = used.find(account->name); found != used.end()) row.today = found->second;
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
    "default-src 'none'; style-src 'sha256-K721RPTUQ6etGwfuyvUyb2I7Ho+2Mj6jj9PCj9vwuF8='; "
    "form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'";

std::string_view stats_style() noexcept { return kStyle; }

std::string stats_page(const std::vector<StatsRow>& rows, const UsageSums& today,
                       std::string_view now_text, std::string_view note) {
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\">"
      "<meta http-equiv=\"refresh\" content=\"10\"><title>sluice: accounts</title>"
      "<style>{}</style></head><body><h1>Accounts</h1>\n",
      kStyle);
  if (!note.empty()) page += fmt::format("<p>{}</p>\n", escape_html(note));
  page += fmt::format(
      "<table><caption>{}, usage since midnight UTC. <a href=\"/dashboard\">Dashboard</a></caption>"
      "<thead><tr><th scope=\"col\">Account</th><th scope=\"col\" class=\"t\">Pool</th>"
      "<th scope=\"col\" class=\"t\">Status</th><th scope=\"col\">Free / limit</th>"
      "<th scope=\"col\">In flight</th><th scope=\"col\">Cooldown</th>"
      "<th scope=\"col\">Requests</th><th scope=\"col\">Errors</th><th scope=\"col\">Tokens</th>"
      "<th scope=\"col\">Cost</th></tr></thead>\n<tbody>\n",
      escape_html(now_text));
  for (const StatsRow& row : rows) {
    const std::string cooldown =
        row.cooldown_seconds ? fmt::format("{} s", *row.cooldown_seconds) : "";
    page += fmt::format(
        "<tr><td>{}</td><td class=\"t\">{}</td><td class=\"t\">{}</td><td>{} / {}</td><td>{}</td>"
        "<td>{}</td>{}</tr>\n",
        escape_html(row.name), escape_html(row.pool), escape_html(row.status), row.available,
        row.limit, row.in_flight, cooldown, usage_cells(row.today));
  }
  page += fmt::format(
      "</tbody>\n<tfoot><tr><td colspan=\"6\">All, refused ones among them</td>{}</tr></tfoot>"
      "</table></body></html>\n",
      usage_cells(today));
  return page;
}

std::span<const AdminRoute> table_routes() { return kRoutes; }

}  // namespace sluice
