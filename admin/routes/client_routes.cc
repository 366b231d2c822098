// Client keys.
#include <algorithm>
#include <map>

#include "admin/control_room.h"
#include "admin/routes/answers.h"
#include "admin/routes/json_body.h"
#include "admin/routes/query_params.h"
#include "admin/routes/routes.h"
#include "admin/routes/times.h"
#include "admin/row_tag.h"
#include "store/catalog.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kMissing = "Client not found";

Json time_or_null(std::int64_t unix_ms) {
  return unix_ms == 0 ? Json() : Json(rfc3339_text(unix_ms));
}

// Of its limits, now. `live` is null for one that is not in force.
Json level_of(const ClientKey* live, Instant now) {
  Json level = {{"requests_remaining", nullptr}, {"tokens_remaining", nullptr}, {"inflight", 0}};
  if (live == nullptr || live->state == nullptr) return level;
  const auto requests = live->state->requests_left(now);
  const auto tokens = live->state->tokens_left(now);
  if (requests.limit != 0) level["requests_remaining"] = requests.remaining;
  if (tokens.limit != 0) level["tokens_remaining"] = tokens.remaining;
  level["inflight"] = live->state->in_flight();
  return level;
}

double dollars(std::uint64_t nano) {
  return static_cast<double>(nano) / static_cast<double>(kNanoPerDollar);
}

// Of its budget, in the present period. `live` is null for one that is not in force.
double spent_of(const ClientKey* live, std::int64_t unix_ms) {
  if (live == nullptr || !live->budget.any()) return 0;
  return dollars(live->spending->spent(live->budget.period, unix_ms));
}

// Both kinds have these members.
template <class Client>
Json limits_of(const Client& client) {
  return {{"name", client.name},
          {"models", client.models},
          {"priority", kPriorityNames[static_cast<std::size_t>(client.priority)]},
          {"priority_max", kPriorityNames[static_cast<std::size_t>(client.priority_max)]},
          {"rpm_limit", client.rpm_limit},
          {"tpm_limit", client.tpm_limit},
          {"concurrent_limit", client.concurrent_limit},
          {"budget_usd", dollars(client.budget_nano_dollars)},
          {"budget_period", kBudgetPeriodNames[static_cast<std::size_t>(client.budget_period)]}};
}

// All clients, by name.
StoreResult<std::map<std::string, Json>> read_clients(ControlRoom& room) {
  Gateway& gateway = room.gateway();
  const auto config = gateway.config();
  const auto directory = gateway.directory();
  const Instant now = gateway.clock().now();
  const std::int64_t unix_ms = gateway.clock().unix_ms();
  const auto live = [&](const std::string& name) -> const ClientKey* {
    const auto found = std::ranges::find(directory->clients, name, &ClientKey::name);
    return found == directory->clients.end() ? nullptr : &*found;
  };
  std::map<std::string, Json> clients;
  for (const ClientConfig& client : config->clients) {
    Json object = limits_of(client);
    object.update({{"source", "file"},
                   {"editable", false},
                   {"status", "active"},
                   {"spent_usd", spent_of(live(client.name), unix_ms)},
                   {"level", level_of(live(client.name), now)},
                   {"created_at", nullptr},
                   {"revoked_at", nullptr}});
    clients.emplace(client.name, std::move(object));
  }
  if (gateway.store() == nullptr) return clients;
  const auto stored = list_client_keys(*gateway.store());
  if (!stored) return store_fail(stored.error());
  for (const StoredClientKey& client : *stored) {
    Json object = limits_of(client);
    const bool revoked = client.revoked_ms != 0;
    const ClientKey* const in_force = revoked ? nullptr : live(client.name);
    object.update({{"source", "store"},
                   {"editable", !revoked},
                   {"status", revoked ? "revoked" : "active"},
                   {"spent_usd", spent_of(in_force, unix_ms)},
                   {"level", level_of(in_force, now)},
                   {"created_at", time_or_null(client.created_ms)},
                   {"revoked_at", time_or_null(client.revoked_ms)}});
    clients.emplace(client.name,
                    std::move(object));  // the configuration's of that name is in force
  }
  return clients;
}

AdminResponse list_clients(ControlRoom& room, const AdminRequest&) {
  auto clients = read_clients(room);
  if (!clients) return store_trouble(clients.error());
  Json all = Json::array();
  for (auto& [name, object] : *clients) all.push_back(std::move(object));
  return json_response(all);
}

// One client; of the store's with the tag for If-Match.
AdminResponse show(ControlRoom& room, const std::string& name) {
  // Before the rest: a change in between makes this tag an old one, not an unseen one the new.
  std::string tag;
  if (room.gateway().store() != nullptr) {
    const auto stored = get_client_key(*room.gateway().store(), name);
    if (!stored) return store_trouble(stored.error());
    if (*stored) tag = '"' + row_tag(**stored) + '"';
  }
  auto clients = read_clients(room);
  if (!clients) return store_trouble(clients.error());
  const auto found = clients->find(name);
  if (found == clients->end()) return admin_error(404, kMissing, "not_found");
  AdminResponse response = json_response(found->second);
  if (!tag.empty() && found->second["source"] == "store") response.fields.emplace_back("etag", tag);
  return response;
}

AdminResponse get_client(ControlRoom& room, const AdminRequest& request) {
  return show(room, request.params.front());
}

// The members of the contract's ClientWrite, without those that are only shown. Types are the
// desk's matter.
std::expected<AdminCall, AdminResponse> read_write(const AdminRequest& request) {
  auto body = read_json_object(request);
  if (!body) return std::unexpected(std::move(body.error()));
  constexpr std::string_view kKnown[] = {
      "name",      "models",           "priority",   "priority_max", "rpm_limit",
      "tpm_limit", "concurrent_limit", "budget_usd", "budget_period"};
  constexpr std::string_view kShown[] = {"source",    "editable",   "status",    "level",
                                         "spent_usd", "created_at", "revoked_at"};
  AdminCall call;
  Json& args = call.args;
  std::vector<FieldProblem>& problems = call.faults;
  for (const auto& [name, value] : body->items()) {
    if (std::ranges::find(kKnown, name) != std::end(kKnown)) args[name] = value;
    else if (std::ranges::find(kShown, name) == std::end(kShown))
      problems.push_back({name, "is no member of a client", "leave it out"});
  }
  if (args.contains("name") && !args["name"].is_string()) {
    problems.push_back({"name", "is not a text", "give a text in quotes"});
    args["name"] = "";
  }
  return call;
}

AdminResponse create_client(ControlRoom& room, const AdminRequest& request) {
  auto call = read_write(request);
  if (!call) return std::move(call.error());
  call->command = "clients.create";
  const bool named = call->args.contains("name");
  if (!named) call->faults.insert(call->faults.begin(), {"name", "is missing", "give a text"});
  AdminAnswer answer = room.gateway().change(*call);
  if (!named && answer.outcome == AdminOutcome::kInvalid)
    return refuse_fields(answer.faults, "Missing required field: name");
  if (answer.outcome != AdminOutcome::kDone || !answer.changed) return refusal_of(answer, kMissing);
  auto clients = read_clients(room);
  if (!clients) return store_trouble(clients.error());
  Json& client = (*clients)[call->args["name"]];
  client["key"] = answer.secret.reveal();
  AdminResponse response;
  response.secret_body = Secret(client.dump());
  response.fields.emplace_back("cache-control", "no-store");
  return response;
}

std::optional<AdminResponse> refuse_configured(ControlRoom& room, const std::string& name) {
  const auto config = room.gateway().config();
  const auto found = std::ranges::find(config->clients, name, &ClientConfig::name);
  if (found == config->clients.end()) return {};
  const auto index = std::to_string(found - config->clients.begin());
  return admin_error(409,
                     "client \"" + name + "\" stands in " +
                         place_of(*config, "clients[" + index + "]", "name") +
                         ": change it there, and reload",
                     "configured");
}

AdminResponse change(ControlRoom& room, const AdminCall& call) {
  const std::string name = call.args["name"];
  if (auto refused = refuse_configured(room, name)) return std::move(*refused);
  const AdminAnswer answer = room.gateway().change(call);
  if (answer.outcome != AdminOutcome::kDone || !answer.changed) return refusal_of(answer, kMissing);
  return show(room, name);
}

AdminResponse change_client(ControlRoom& room, const AdminRequest& request) {
  auto call = read_write(request);
  if (!call) return std::move(call.error());
  const std::string& name = request.params.front();
  if (call->args.contains("name") && call->args["name"] != name)
    call->faults.push_back({"name", "cannot be changed", "make a new client"});
  call->args["name"] = name;
  call->args["if_match"] = request.field("if-match");
  call->command = "clients.change";
  return change(room, *call);
}

AdminResponse revoke_client(ControlRoom& room, const AdminRequest& request) {
  return change(
      room, {.command = "clients.revoke",
             .args = {{"name", request.params.front()}, {"if_match", request.field("if-match")}}});
}

// By a name that no path can have: browsers and proxies take "." and ".." out of paths. None is
// made any more, but a key that has leaked is revoked whatever it is called.
AdminResponse revoke_named(ControlRoom& room, const AdminRequest& request) {
  QueryParams params(request);
  const auto name = params.text("name");
  if (!name) params.wrong("name", "is missing", "give the client key's name");
  if (auto refusal = params.refusal()) return std::move(*refusal);
  return change(room, {.command = "clients.revoke",
                       .args = {{"name", *name}, {"if_match", request.field("if-match")}}});
}

constexpr AdminRoute kRoutes[] = {
    {"GET", "/api/admin/clients", Access::kRead, list_clients},
    {"POST", "/api/admin/clients", Access::kAdmin, create_client},
    {"DELETE", "/api/admin/clients", Access::kAdmin, revoke_named, Query::kRead},
    {"GET", "/api/admin/clients/{name*}", Access::kRead, get_client},
    {"PATCH", "/api/admin/clients/{name*}", Access::kAdmin, change_client},
    {"DELETE", "/api/admin/clients/{name*}", Access::kAdmin, revoke_client},
};

}  // namespace

std::span<const AdminRoute> client_routes() { return kRoutes; }

}  // namespace sluice
