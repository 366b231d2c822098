// Accounts as a provider file, in and out.
#include "admin/control_room.h"
#include "admin/routes/answers.h"
#include "admin/routes/json_body.h"
#include "admin/routes/query_params.h"
#include "admin/routes/routes.h"

namespace sluice {
namespace {

AdminResponse export_accounts(ControlRoom& room, bool clear) {
  AdminAnswer answer =
      room.gateway().change({.command = "providers.export", .args = {{"clear", clear}}});
  if (answer.outcome != AdminOutcome::kDone || answer.exit_code != 0)
    return refusal_of(answer, "Backend not found");
  AdminResponse response{.content_type = "application/yaml",
                         .secret_body = std::move(answer.secret)};
  response.fields.emplace_back("content-disposition", "attachment; filename=\"providers.yaml\"");
  response.fields.emplace_back("cache-control", "no-store");
  if (const std::size_t left_out = answer.object.value("left_out", std::size_t{0}); left_out > 0)
    response.fields.emplace_back("x-sluice-left-out", std::to_string(left_out));
  return response;
}

AdminResponse get_export(ControlRoom& room, const AdminRequest&) {
  return export_accounts(room, false);
}

// Keys in clear are for who shows the token once more: a cookie is not enough.
AdminResponse post_export(ControlRoom& room, const AdminRequest& request) {
  auto body = read_json_object(request);
  if (!body) return std::move(body.error());
  std::vector<FieldProblem> problems;
  for (const auto& [name, value] : body->items())
    if (name != "keys" && name != "token")
      problems.push_back({name, "is no member of an export", "leave it out"});
  const auto keys = body->find("keys");
  const bool clear = keys != body->end() && *keys == "clear";
  if (!clear && (keys == body->end() || *keys != "masked"))
    problems.push_back(
        {"keys", keys == body->end() ? "is missing" : "is none of these", "give clear or masked"});
  const auto token = body->find("token");
  if (clear && (token == body->end() || !token->is_string()))
    problems.push_back({"token", "is missing", "give the admin token once more"});
  if (!problems.empty()) return refuse_fields(problems);
  if (!clear) return export_accounts(room, false);
  const Instant now = room.gateway().clock().now();
  if (auto many = room.access().refuse_failures(request.peer, now)) return std::move(*many);
  if (!room.access().is_token(token->get_ref<const std::string&>()))
    return room.access().refuse_wrong(request.peer, now);
  return export_accounts(room, true);
}

AdminResponse import_accounts(ControlRoom& room, const AdminRequest& request) {
  QueryParams params(request);
  const bool dry_run = params.flag("dry_run").value_or(false);
  if (auto refusal = params.refusal()) return std::move(*refusal);
  const AdminAnswer answer =
      room.gateway().change({.command = "providers.import",
                             .args = {{"from_network", true}, {"dry_run", dry_run}},
                             .secret = Secret(request.body.reveal())});
  if (answer.outcome != AdminOutcome::kDone || !answer.object.is_array())
    return refusal_of(answer, "Backend not found");
  return json_response({{"status", dry_run ? "checked" : "imported"},
                        {"imported", dry_run ? 0 : answer.object.size()},
                        {"entries", answer.object}});
}

constexpr AdminRoute kRoutes[] = {
    {"GET", "/api/admin/backends/export", Access::kAdmin, get_export},
    {"POST", "/api/admin/backends/export", Access::kAdmin, post_export},
    {"POST", "/api/v2/providers", Access::kAdmin, import_accounts, Query::kRead, kAdminImportMax,
     true},
};

}  // namespace

std::span<const AdminRoute> provider_routes() { return kRoutes; }

}  // namespace sluice
