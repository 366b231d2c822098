// The predecessor's statistics: sums of all time, hours, days, cooldowns.
#include "admin/control_room.h"
#include "admin/routes/account_names.h"
#include "admin/routes/answers.h"
#include "admin/routes/json_text.h"
#include "admin/routes/query_params.h"
#include "admin/routes/routes.h"
#include "admin/routes/times.h"
#include "store/cooldowns.h"
#include "store/queries.h"

namespace sluice {
namespace {

constexpr std::uint64_t kHoursMax = 87'600;  // ten years
constexpr std::uint64_t kDaysMax = 3'660;
constexpr std::uint64_t kCooldownsMax = 1'000;

AdminResponse get_total(ControlRoom& room, const AdminRequest&) {
  StoreEnvironment* const store = room.gateway().store();
  if (store == nullptr) return refuse_without_store();
  const auto total = usage_total(*store);
  if (!total) return store_trouble(total.error());
  JsonText text;
  text.begin('{')
      .member("total_requests", total->requests)
      .member("total_errors", total->errors)
      .member("total_tokens", total->total_tokens)
      .member("total_prompt_tokens", total->prompt_tokens)
      .member("total_completion_tokens", total->completion_tokens)
      .member("total_cost", NanoDollars{total->cost_nano_dollars})
      .end('}');
  return {.body = text.take()};
}

void write_hour(JsonText& text, std::uint64_t id, const HourlyUsage& row,
                const AccountNames& accounts) {
  const UsageSums& sums = row.sums;
  const std::string hour = hour_text(row.hour);
  text.begin('{')
      .member("id", id)
      .member("backend_id", accounts.id_of(row.account))
      .member("account", row.account)
      .member("model", row.model)
      .member("prompt_tokens", sums.prompt_tokens)
      .member("completion_tokens", sums.completion_tokens)
      .member("total_tokens", sums.total_tokens)
      .member("cost", NanoDollars{sums.cost_nano_dollars})
      .member("request_count", sums.requests)
      .member("error_count", sums.errors)
      .member("avg_latency_ms",
              average_ms(sums.latency_us, sums.attempts - sums.unknown).value_or(0))
      .member("ttft_ms", average_ms(sums.first_token_us, sums.first_tokens).value_or(0))
      .member("hour_bucket", hour)
      .member("created_at", hour)  // no other time is kept
      .end('}');
}

// For a query: every byte but those that stand for themselves everywhere (RFC 3986, 2.3).
std::string encode_percent(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.contains(c)) out += c;
    else (out += '%').append({kDigits[byte >> 4], kDigits[byte & 15]});
  }
  return out;
}

// Where the hours are that an answer had no room for; its shape, a list, cannot say so.
void add_next(AdminResponse& response, std::uint64_t hours, std::uint32_t to_hour,
              const std::optional<std::string>& account) {
  std::string link = "</api/admin/stats/hourly?hours=" + std::to_string(hours) +
                     "&to=" + encode_percent(hour_text(to_hour));
  if (account) link += "&backend_id=" + encode_percent(*account);
  response.fields.emplace_back("x-sluice-truncated", "true");
  response.fields.emplace_back("link", link + ">; rel=\"next\"");
}

AdminResponse get_hourly(ControlRoom& room, const AdminRequest& request) {
  QueryParams params(request);
  const auto account = params.text("backend_id");
  const auto hours = params.number("hours", 1, kHoursMax).value_or(168);
  const auto to_ms = params.time("to");
  if (auto refusal = params.refusal()) return std::move(*refusal);
  StoreEnvironment* const store = room.gateway().store();
  if (store == nullptr) return refuse_without_store();
  const auto accounts = AccountNames::read(room.gateway(), *store);
  if (!accounts) return store_trouble(accounts.error());
  HourlyFilter filter;
  filter.rows_max = room.hour_rows_max();
  // The present hour is one of them.
  filter.from_hour =
      hour_of(room.gateway().clock().unix_ms()) + 1 - static_cast<std::uint32_t>(hours);
  if (to_ms) filter.to_hour = hour_of(*to_ms);
  if (account) {
    auto name = accounts->name_of(*account);
    if (!name) return store_trouble(name.error());
    filter.names.account = std::move(*name);
  }
  bool truncated = false;
  const auto rows = hourly_usage(*store, filter, &truncated);
  if (!rows) return store_trouble(rows.error());
  JsonText text;
  text.begin('[');
  std::uint64_t id = 0;
  for (const HourlyUsage& row : *rows) write_hour(text, ++id, row, *accounts);
  text.end(']');
  AdminResponse response{.body = text.take()};
  if (truncated && !rows->empty()) add_next(response, hours, rows->back().hour, account);
  return response;
}

AdminResponse get_daily(ControlRoom& room, const AdminRequest& request) {
  QueryParams params(request);
  const auto days = params.number("days", 1, kDaysMax).value_or(30);
  if (auto refusal = params.refusal()) return std::move(*refusal);
  StoreEnvironment* const store = room.gateway().store();
  if (store == nullptr) return refuse_without_store();
  const std::uint32_t today = day_of_hour(hour_of(room.gateway().clock().unix_ms()));
  const auto rows = daily_usage(*store, today + 1 - static_cast<std::uint32_t>(days), UINT32_MAX);
  if (!rows) return store_trouble(rows.error());
  JsonText text;
  text.begin('[');
  std::uint64_t id = 0;
  for (const DailyUsage& row : *rows) {
    text.begin('{')
        .member("id", ++id)
        .member("date", date_text(row.day))
        .member("pool", row.pool)
        .member("total_requests", row.sums.requests)
        .member("total_errors", row.sums.errors)
        .member("total_tokens", row.sums.total_tokens)
        .member("total_cost", NanoDollars{row.sums.cost_nano_dollars})
        .member("unique_backends", row.unique_accounts)
        .member("created_at", hour_text(row.day * kDayHours))  // no other time is kept
        .end('}');
  }
  text.end(']');
  return {.body = text.take()};
}

AdminResponse get_cooldowns(ControlRoom& room, const AdminRequest& request) {
  QueryParams params(request);
  const auto account = params.text("backend_id");
  const auto limit = params.number("limit", 1, kCooldownsMax).value_or(50);
  if (auto refusal = params.refusal()) return std::move(*refusal);
  StoreEnvironment* const store = room.gateway().store();
  if (store == nullptr) return refuse_without_store();
  const auto accounts = AccountNames::read(room.gateway(), *store);
  if (!accounts) return store_trouble(accounts.error());
  std::optional<std::string> name;
  if (account) {
    auto found = accounts->name_of(*account);
    if (!found) return store_trouble(found.error());
    name = std::move(*found);
  }
  const auto rows = recent_cooldowns(*store, name, limit);
  if (!rows) return store_trouble(rows.error());
  JsonText text;
  text.begin('[');
  for (const StoredCooldown& row : *rows) {
    text.begin('{')
        .member("id", row.number)
        .member("backend_id", accounts->id_of(row.account))
        .member("account", row.account)
        .member("consecutive_count", row.consecutive_count)
        .member("cooldown_seconds", row.cooldown_seconds)
        .member("response_summary", row.response_summary)
        .member("started_at", rfc3339_text(row.started_ms))
        .member("ended_at",
                row.ended_ms == 0 ? std::nullopt : std::optional(rfc3339_text(row.ended_ms)))
        .end('}');
  }
  text.end(']');
  return {.body = text.take()};
}

constexpr AdminRoute kRoutes[] = {
    {"GET", "/api/admin/stats/total", Access::kRead, get_total},
    {"GET", "/api/admin/stats/hourly", Access::kRead, get_hourly, Query::kRead},
    {"GET", "/api/admin/stats/daily", Access::kRead, get_daily, Query::kRead},
    {"GET", "/api/admin/stats/cooldown", Access::kRead, get_cooldowns, Query::kRead},
};

}  // namespace

std::span<const AdminRoute> stats_routes() { return kRoutes; }

}  // namespace sluice
