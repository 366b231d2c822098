// What is said of the gateway as a whole, and what it is told to do.
#include <chrono>

#include "admin/control_room.h"
#include "admin/routes/json_body.h"
#include "admin/routes/routes.h"
#include "admin/routes/times.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

AdminResponse get_version(ControlRoom& room, const AdminRequest& request) {
  Gateway& gateway = room.gateway();
  const Duration uptime = gateway.clock().now() - gateway.started_at();
  return json_response({{"version", SLUICE_VERSION},
                        {"started_at", rfc3339_text(gateway.clock().unix_ms() - uptime / 1ms)},
                        {"uptime_seconds", seconds(uptime)},
                        {"shards", gateway.shards().size()},
                        {"draining", gateway.draining()},
                        {"access", request.admission.reads_only ? "read" : "full"},
                        {"stored", gateway.store() != nullptr}});
}

AdminResponse refuse_reload(const ConfigErrors& refusal) {
  std::vector<FieldProblem> problems;
  for (const Finding& finding : refusal.errors) problems.push_back(problem_of(finding));
  std::string detail = refusal.text();
  while (detail.ends_with('\n')) detail.pop_back();
  return refuse_fields(problems, std::move(detail), "reload_refused");
}

AdminResponse reload(ControlRoom& room, const AdminRequest&) {
  const auto done = room.gateway().reload_now();
  if (!done) return refuse_reload(done.error());
  const auto directory = room.gateway().directory();
  const auto config = room.gateway().config();
  Json warnings = Json::array(), waiting = Json::array();
  for (const Finding& warning : config->warnings) warnings.push_back(warning.text());
  for (const WaitingValue& value : config->waiting) waiting.push_back(value.path);
  return json_response({{"status", "reloaded"},
                        {"accounts", directory->accounts.size()},
                        {"clients", directory->clients.size()},
                        {"needs_restart", waiting},
                        {"warnings", warnings}});
}

AdminResponse drain(ControlRoom& room, const AdminRequest&) {
  const auto config = room.gateway().config();
  room.gateway().drain_now();
  return json_response({{"status", "draining"},
                        {"delay_seconds", seconds(config->drain.delay)},
                        {"grace_seconds", seconds(config->drain.grace)}},
                       202);
}

// As a shard answers it: for who asks a listener of the administrator's, or that for metrics.
AdminResponse get_health(ControlRoom& room, const AdminRequest&) {
  Gateway& gateway = room.gateway();
  return json_response({{"status", "ok"},
                        {"version", SLUICE_VERSION},
                        {"uptime_seconds", (gateway.clock().now() - gateway.started_at()) / 1s}});
}

constexpr AdminRoute kRoutes[] = {
    {.method = "GET",
     .path = "/health",
     .access = Access::kPublic,
     .handler = get_health,
     .query = Query::kIgnored,
     .for_metrics = true},
    {.method = "GET",
     .path = "/livez",
     .access = Access::kPublic,
     .handler = get_health,
     .query = Query::kIgnored,
     .for_metrics = true},
    {"GET", "/api/admin/version", Access::kRead, get_version},
    {"POST", "/api/admin/reload", Access::kAdmin, reload},
    {"POST", "/api/admin/drain", Access::kAdmin, drain},
};

}  // namespace

std::span<const AdminRoute> gateway_routes() { return kRoutes; }

}  // namespace sluice
