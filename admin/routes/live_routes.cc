// What happens just now: the stream of snapshots, its last minutes, events, who waits, and why a
// request went where it went.
#include <algorithm>

#include "admin/control_room.h"
#include "admin/live/explain.h"
#include "admin/live/live_text.h"
#include "admin/routes/json_body.h"
#include "admin/routes/query_params.h"
#include "admin/routes/request_rows.h"
#include "admin/routes/routes.h"
#include "admin/routes/times.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

// The head of the stream; snapshots follow.
AdminResponse get_stream(ControlRoom&, const AdminRequest&) {
  AdminResponse response;
  response.content_type = "text/event-stream";
  response.fields = {{"x-accel-buffering", "no"}};
  return response;
}

AdminResponse get_history(ControlRoom& room, const AdminRequest&) {
  return {.body = room.live().history()};
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

AdminResponse list_events(ControlRoom& room, const AdminRequest& request) {
  EventRing::Filter filter;
  QueryParams params(request);
  filter.after = params.number("after", 0, UINT64_MAX).value_or(filter.after);
  filter.limit = params.number("limit", 1, EventRing::kEventsMax).value_or(filter.limit);
  if (const auto severity = params.choice("severity", kSeverityNames))
    filter.at_least = static_cast<Severity>(*severity);
  filter.backend_id = params.text("backend_id").value_or("");
  if (auto refusal = params.refusal()) return std::move(*refusal);
  const EventRing::Page page = room.live().events().find(filter);
  Json events = Json::array();
  for (const Event& event : page.events) {
    Json values = Json::object();
    for (const auto& [name, value] : event.values) values[std::string(name)] = value;
    events.push_back({{"id", event.id},
                      {"at", rfc3339_text(event.unix_ms)},
                      {"severity", kSeverityNames[static_cast<std::size_t>(event.severity())]},
                      {"kind", kEventKindNames[static_cast<std::size_t>(event.kind)]},
                      {"account", text_or_null(event.account)},
                      {"backend_id", text_or_null(event.backend_id)},
                      {"client", text_or_null(event.client)},
                      {"text", event.text},
                      {"values", std::move(values)}});
  }
  return json_response({{"events", events}, {"last_id", page.last_id}, {"dropped", page.dropped}});
}

Json per_priority(const std::array<std::uint32_t, kPriorities>& counts) {
  Json object = Json::object();
  for (std::size_t i = 0; i < kPriorities; ++i) object[std::string(kPriorityNames[i])] = counts[i];
  return object;
}

std::string_view overflow_text(Overflow overflow) {
  switch (overflow) {
    case Overflow::kReject: return "reject";
    case Overflow::kDropLowest: return "drop_lowest";
    case Overflow::kPassthrough: break;
  }
  return "passthrough";
}

AdminResponse get_queue(ControlRoom& room, const AdminRequest&) {
  Gateway& gateway = room.gateway();
  const QueuePolicy policy = gateway.directory()->routing.queue;
  const auto summary = gateway.queue();
  const Instant now = gateway.clock().now();
  const auto age_ms = [now](Instant since) {
    return since == Instant{} ? 0 : std::max<std::int64_t>(0, (now - since) / 1ms);
  };
  Json models = Json::array();
  for (const QueueSummary::Model& model : summary->models) {
    std::uint32_t depth = 0;
    for (const std::uint32_t some : model.per_priority) depth += some;
    models.push_back(
        {{"model", model.model},
         {"depth", depth},
         {"per_priority", per_priority(model.per_priority)},
         {"oldest_wait_ms", age_ms(model.oldest)},
         {"next_permit_in_ms",
          model.next_permit_at == kNever
              ? Json()
              : Json(std::max<std::int64_t>(0, (model.next_permit_at - now + 999us) / 1ms))}});
  }
  return json_response({{"depth", summary->depth()},
                        {"capacity", policy.capacity},
                        {"overflow", overflow_text(policy.overflow)},
                        {"per_priority", per_priority(summary->per_priority)},
                        {"oldest_wait_ms", age_ms(summary->oldest)},
                        {"models", models}});
}

AdminResponse get_status(ControlRoom& room, const AdminRequest&) {
  const LiveFigures figures = room.live().look();
  std::string body = R"({"rate_limiter":)";
  append_token_bucket(body, figures);
  body += R"(,"queue":)";
  append_queue(body, figures);
  body += R"(,"retreat":)";
  append_retreat(body, figures);
  return {.body = body + "}\n"};
}

// What the first version asked before it sent traffic: whether an account is usable, the queue has
// room, and a permit is free or will be.
AdminResponse get_ready(ControlRoom& room, const AdminRequest&) {
  const LiveFigures figures = room.live().look();
  bool reachable = false, permits = false;
  for (const AccountView& view : figures.accounts) {
    const bool usable =
        view.status == AccountStatus::kHealthy || view.status == AccountStatus::kCooling;
    // Half open it waits for a request to find out: who is told not to send any would never learn
    // that it works again.
    reachable = reachable || (usable && view.breaker != BreakerState::kOpen);
    permits = permits || (view.usable() && view.tokens > 0);
  }
  std::uint64_t waiting = 0;
  for (const std::uint64_t some : figures.waiting) waiting += some;
  const std::uint32_t capacity = figures.directory->routing.queue.capacity;
  const bool queue = capacity == 0 || waiting < capacity;
  const bool ready = reachable && queue && !figures.draining;
  return json_response({{"ready", ready},
                        {"upstream_reachable", reachable},
                        {"queue_healthy", queue},
                        {"token_bucket_healthy", permits}},
                       ready ? 200 : 503);
}

// The id of a request stands in the path, or in the query: clients choose it, and not every one can
// stand in a path.
AdminResponse get_explanation(ControlRoom& room, const AdminRequest& request) {
  QueryParams params(request);
  std::string id;
  if (request.params.empty()) {
    id = params.text("request_id").value_or("");
    if (id.empty()) params.wrong("request_id", "is missing", "give a request's id");
  } else {
    id = request.params.front();
  }
  const auto row_text = params.text("id");
  const auto row = row_text ? parse_cursor(*row_text) : std::nullopt;
  if (row_text && !row) params.wrong("id", "is none", "give the id of a row of requests");
  if (auto refusal = params.refusal()) return std::move(*refusal);
  const auto explained = explain_request(room, id, row);
  if (!explained)
    return admin_error(404, "Request not found: only the latest ones are kept for explaining",
                       "not_kept");
  return json_response(*explained);
}

constexpr AdminRoute kRoutes[] = {
    {.method = "GET",
     .path = "/dashboard/sse",
     .access = Access::kRead,
     .handler = get_stream,
     .serving = Serving::kEvents},
    {.method = "GET",
     .path = "/api/dashboard/stream",
     .access = Access::kRead,
     .handler = get_stream,
     .serving = Serving::kEvents},
    {"GET", "/api/admin/history", Access::kRead, get_history},
    {"GET", "/api/admin/events", Access::kRead, list_events, Query::kRead},
    {"GET", "/api/admin/queue", Access::kRead, get_queue},
    {"GET", "/api/admin/explain", Access::kRead, get_explanation, Query::kRead},
    {"GET", "/api/admin/explain/{request_id}", Access::kRead, get_explanation, Query::kRead},
    {"GET", "/status", Access::kRead, get_status},
    {.method = "GET",
     .path = "/health/ready",
     .access = Access::kPublic,
     .handler = get_ready,
     .query = Query::kIgnored,
     .for_metrics = true},
};

}  // namespace

std::span<const AdminRoute> live_routes() { return kRoutes; }

}  // namespace sluice
