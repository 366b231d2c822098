// Sums over a span of time, and single requests.
#include <algorithm>
#include <cstdlib>

#include "admin/control_room.h"
#include "admin/routes/answers.h"
#include "admin/routes/query_params.h"
#include "admin/routes/request_rows.h"
#include "admin/routes/routes.h"
#include "admin/routes/usage_rows.h"

namespace sluice {
namespace {

constexpr std::uint64_t kTopMax = 50;
constexpr std::uint64_t kPageMax = 500;  // requests
constexpr std::uint64_t kStatusMax = 599;

// The filters that both routes have. An account is a name only once the store has been asked.
UsageFilter read_filter(QueryParams& params) {
  return {.account = params.text("backend_id"),
          .model = params.text("model"),
          .client_key = params.text("client")};
}

StoreResult<void> name_account(UsageFilter& filter, const AccountNames& accounts) {
  if (!filter.account) return {};
  auto name = accounts.name_of(*filter.account);
  if (!name) return store_fail(name.error());
  filter.account = std::move(*name);
  return {};
}

// "hour", "model", "hour,model", "model,hour", ...
void read_groups(QueryParams& params, UsageView& view) {
  const std::string given = params.text("group_by").value_or("hour");
  view.span = UsageSpan::kWhole;
  bool good = true;
  for (std::string_view rest = given; good;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view word = rest.substr(0, comma);
    if (word == "hour" || word == "day") {
      good = view.span == UsageSpan::kWhole;
      view.span = word == "hour" ? UsageSpan::kHour : UsageSpan::kDay;
      view.side_first = view.side.has_value();
    } else {
      good = !view.side;
      if (word == "account") view.side = UsageSide::kAccount;
      else if (word == "model") view.side = UsageSide::kModel;
      else if (word == "client") view.side = UsageSide::kClientKey;
      else good = false;
    }
    if (comma == rest.size()) break;
    rest.remove_prefix(comma + 1);
  }
  if (good) return;
  params.wrong("group_by", "is no way to group",
               "give one of hour and day, one of account, model and client, or one of each: "
               "hour,account");
}

// How much a sender wants that type (RFC 9110 section 12.5.1), by its name and by what else it
// takes.
double wish_for(std::string_view accept, std::string_view type, std::string_view range) {
  double wish = 0;
  int closest = 0;
  while (!accept.empty()) {
    const std::size_t comma = std::min(accept.find(','), accept.size());
    std::string entry(accept.substr(0, comma));
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    std::erase_if(entry, [](char c) { return c == ' ' || c == '\t'; });
    const std::size_t end = std::min(entry.find(';'), entry.size());
    const std::string_view name = std::string_view(entry).substr(0, end);
    const int close = name == type ? 3 : name == range ? 2 : name == "*/*" ? 1 : 0;
    if (close <= closest) continue;
    closest = close;
    wish = 1;
    if (const std::size_t q = entry.find(";q="); q != entry.npos) {
      const double given = std::strtod(entry.c_str() + q + 3, nullptr);
      wish = given >= 0 && given <= 1 ? given : 0;
    }
  }
  return wish;
}

bool prefers_csv(const AdminRequest& request) {
  const std::string_view accept = request.field("accept");
  return wish_for(accept, "text/csv", "text/*") >
         wish_for(accept, "application/json", "application/*");
}

// What is asked for of the hours, beside whose.
void read_span(QueryParams& params, std::int64_t now_ms, UsageView& view, UsageQuery& query) {
  constexpr std::int64_t kSpanMs = 24 * kHourMs;
  const std::int64_t to_ms = params.time("to").value_or(now_ms);
  const std::int64_t from_ms =
      params.time("from").value_or(std::max<std::int64_t>(to_ms - kSpanMs, 0));
  if (from_ms >= to_ms) params.wrong("from", "is not before `to`", "give an earlier time");
  query.from_hour = hour_of(from_ms);
  query.to_hour = hour_of(to_ms - 1) + 1;
  // Hours are whole: so is what the sums are of, as far as it is past.
  view.to_ms = std::min(query.to_hour * kHourMs, std::max(to_ms, now_ms));
}

AdminResponse get_usage(ControlRoom& room, const AdminRequest& request) {
  constexpr std::string_view kMeasures[] = {"requests", "total_tokens", "cost"};
  constexpr std::string_view kFormats[] = {"json", "csv"};
  QueryParams params(request);
  UsageView view;
  UsageQuery query;
  read_groups(params, view);
  read_span(params, room.gateway().clock().unix_ms(), view, query);
  query.names = read_filter(params);
  query.span = view.span;
  query.side = view.side;
  query.top = params.number("top", 1, kTopMax).value_or(0);
  query.top_by = static_cast<UsageMeasure>(params.choice("top_by", kMeasures).value_or(0));
  const auto format = params.choice("format", kFormats);
  if (query.top > 0 && !query.side)
    params.wrong("top", "is of nothing", "give account, model or client in group_by");
  if (auto refusal = params.refusal()) return std::move(*refusal);
  StoreEnvironment* const store = room.gateway().store();
  if (store == nullptr) return refuse_without_store();
  if (query.names.account) {
    const auto accounts = AccountNames::read(room.gateway(), *store);
    if (!accounts) return store_trouble(accounts.error());
    if (auto named = name_account(query.names, *accounts); !named)
      return store_trouble(named.error());
  }
  auto groups = group_usage(*store, query);
  if (!groups) return store_trouble(groups.error());
  view.from_ms = groups->from_hour * kHourMs;
  view.groups = std::move(*groups);
  const bool csv = format ? *format == 1 : prefers_csv(request);
  AdminResponse response;
  response.fields.emplace_back("vary", "accept");
  response.body = csv ? usage_csv(view) : usage_json(view);
  if (csv) {
    response.content_type = "text/csv; charset=utf-8; header=present";
    response.fields.emplace_back("content-disposition", "attachment; filename=\"usage.csv\"");
  }
  return response;
}

AdminResponse get_requests(ControlRoom& room, const AdminRequest& request) {
  QueryParams params(request);
  RequestFilter filter;
  filter.names = read_filter(params);
  if (const auto status = params.number("status", 0, kStatusMax))
    filter.status = static_cast<std::uint16_t>(*status);
  filter.every_attempt = params.flag("every_attempt").value_or(false);
  filter.from_ms = params.time("from").value_or(0);
  if (const auto to_ms = params.time("to"))
    filter.before = RequestKey{.unix_ms = static_cast<std::uint64_t>(*to_ms)};
  filter.limit = params.number("limit", 1, kPageMax).value_or(50);
  if (const auto cursor = params.text("cursor")) {
    const auto key = parse_cursor(*cursor);
    if (!key) params.wrong("cursor", "is none", "give `next` of the page before");
    else filter.before = filter.before ? std::min(*filter.before, *key) : *key;
  }
  if (auto refusal = params.refusal()) return std::move(*refusal);
  StoreEnvironment* const store = room.gateway().store();
  if (store == nullptr) return refuse_without_store();
  const auto accounts = AccountNames::read(room.gateway(), *store);
  if (!accounts) return store_trouble(accounts.error());
  if (auto named = name_account(filter.names, *accounts); !named)
    return store_trouble(named.error());
  const auto page = recent_requests(*store, filter);
  if (!page) return store_trouble(page.error());
  return {.body = requests_json(*page, *accounts)};
}

constexpr AdminRoute kRoutes[] = {
    {"GET", "/api/admin/usage", Access::kRead, get_usage, Query::kRead},
    {"GET", "/api/admin/requests", Access::kRead, get_requests, Query::kRead},
};

}  // namespace

std::span<const AdminRoute> usage_routes() { return kRoutes; }

}  // namespace sluice
