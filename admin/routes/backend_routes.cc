// Accounts, which the API calls backends as its predecessor did.
#include <array>

#include "admin/control_room.h"
#include "admin/routes/account_body.h"
#include "admin/routes/account_list.h"
#include "admin/routes/answers.h"
#include "admin/routes/json_body.h"
#include "admin/routes/query_params.h"
#include "admin/routes/routes.h"
#include "admin/row_tag.h"
#include "engine/proxy/account_prober.h"
#include "engine/route/account_state.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kMissing = "Backend not found";

AdminResponse list_backends(ControlRoom& room, const AdminRequest& request) {
  constexpr std::string_view kPools[] = {"primary", "fallback"};
  QueryParams params(request);
  const auto pool = params.choice("pool", kPools);
  if (auto refusal = params.refusal()) return std::move(*refusal);
  const auto list = AccountList::read(room.gateway());
  if (!list) return store_trouble(list.error());
  Json all = Json::array();
  for (const ListedAccount& account : list->accounts())
    if (!pool || kPools[*pool] == pool_text(account.config->pool))
      all.push_back(AccountList::object_of(account, room));
  return json_response(all);
}

AdminResponse show(ControlRoom& room, std::string_view id) {
  const auto list = AccountList::read(room.gateway());
  if (!list) return store_trouble(list.error());
  const ListedAccount* const account = list->find(id);
  if (account == nullptr) return admin_error(404, kMissing, "not_found");
  AdminResponse response = json_response(AccountList::object_of(*account, room));
  if (account->stored) response.fields.emplace_back("etag", '"' + row_tag(*account->stored) + '"');
  return response;
}

AdminResponse get_backend(ControlRoom& room, const AdminRequest& request) {
  return show(room, request.params.front());
}

// Does it, and shows the account that it is about.
AdminResponse run(ControlRoom& room, const AdminCall& call) {
  const AdminAnswer answer = room.gateway().change(call);
  if (answer.outcome != AdminOutcome::kDone || !answer.changed) return refusal_of(answer, kMissing);
  return show(room, answer.object.value("id", ""));
}

// An account of the configuration: where it is changed. Nothing: it is another's.
std::optional<AdminResponse> refuse_configured(const ListedAccount& account) {
  if (account.stored) return {};
  return admin_error(409,
                     "account \"" + account.config->name + "\" stands in " +
                         place_text(account.origin) + ": change it there, and reload",
                     "configured");
}

AdminResponse create_backend(ControlRoom& room, const AdminRequest& request) {
  auto body = read_json_object(request);
  if (!body) return std::move(body.error());
  std::vector<FieldProblem> missing;
  for (const char* required : {"name", "api_base_url", "api_key"}) {
    const auto given = body->find(required);
    if (given == body->end() || given->is_null() || *given == "")
      missing.push_back({required, "is missing", "give a text"});
  }
  AdminCall call = account_call(std::move(*body), nullptr);
  call.command = "providers.add";
  for (FieldProblem& problem : missing) {
    // A null is no text either, which says less.
    std::erase_if(call.faults, [&](const auto& fault) { return fault.field == problem.field; });
  }
  call.faults.insert(call.faults.begin(), missing.begin(), missing.end());
  if (missing.empty()) return run(room, call);
  AdminAnswer answer = room.gateway().change(call);
  if (answer.outcome != AdminOutcome::kInvalid) return refusal_of(answer, kMissing);
  // The desk's name for an address that is missing.
  std::erase_if(answer.faults, [](const auto& fault) { return fault.field == "base_url"; });
  return refuse_fields(answer.faults,  // in the predecessor's words
                       "Missing required field: " + missing.front().field);
}

AdminResponse change_backend(ControlRoom& room, const AdminRequest& request) {
  const auto list = AccountList::read(room.gateway());
  if (!list) return store_trouble(list.error());
  const ListedAccount* const account = list->find(request.params.front());
  if (account == nullptr) return admin_error(404, kMissing, "not_found");
  if (auto refused = refuse_configured(*account)) return std::move(*refused);
  auto body = read_json_object(request);
  if (!body) return std::move(body.error());
  AdminCall call = account_call(std::move(*body), AccountList::object_of(*account, room));
  call.command = "providers.change";
  call.args["id"] = account->id;
  call.args["if_match"] = request.field("if-match");
  return run(room, call);
}

AdminResponse delete_backend(ControlRoom& room, const AdminRequest& request) {
  const auto list = AccountList::read(room.gateway());
  if (!list) return store_trouble(list.error());
  const ListedAccount* const account = list->find(request.params.front());
  if (account == nullptr) return admin_error(404, kMissing, "not_found");
  if (auto refused = refuse_configured(*account)) return std::move(*refused);
  const AdminAnswer answer = room.gateway().change(
      {.command = "providers.remove",
       .args = {{"id", account->id}, {"if_match", request.field("if-match")}}});
  if (answer.outcome != AdminOutcome::kDone || !answer.changed) return refusal_of(answer, kMissing);
  return json_response({{"status", "deleted"}, {"id", account->id}});
}

AdminResponse switch_backend(ControlRoom& room, const AdminRequest& request, bool on) {
  const auto list = AccountList::read(room.gateway());
  if (!list) return store_trouble(list.error());
  const ListedAccount* const account = list->find(request.params.front());
  if (account == nullptr) return admin_error(404, kMissing, "not_found");
  if (auto refused = refuse_configured(*account)) return std::move(*refused);
  // A key that was refused is tried again.
  if (on && account->live != nullptr) account->live->state->accept(account->live->generation);
  return run(room,
             {.command = "providers.change",
              .args = {{"id", account->id}, {"fields", {{"enabled", on ? "true" : "false"}}}}});
}

AdminResponse drain_backend(ControlRoom& room, const AdminRequest& request) {
  return switch_backend(room, request, false);
}
AdminResponse enable_backend(ControlRoom& room, const AdminRequest& request) {
  return switch_backend(room, request, true);
}

AdminResponse test_backend(ControlRoom& room, const AdminRequest& request) {
  constexpr std::array<std::string_view, 3> kStatuses = {"accepted", "key_refused", "unavailable"};
  const auto list = AccountList::read(room.gateway());
  if (!list) return store_trouble(list.error());
  const ListedAccount* const account = list->find(request.params.front());
  if (account == nullptr || account->live == nullptr)
    return admin_error(404, kMissing, "not_found");
  if (!room.may_test(account->id, room.gateway().clock().now())) {
    AdminResponse often =
        admin_error(429, "an account can be tested once in 2 seconds", "tested_often");
    often.fields.emplace_back("retry-after", "2");
    return often;
  }
  const ProbeReport report = ask_provider(*account->live, room.gateway().clock());
  const Account& live = *account->live;
  if (report.verdict == ProbeVerdict::kAccepted) live.state->accept(live.generation);
  if (report.verdict == ProbeVerdict::kKeyRefused) live.state->reject(live.generation);
  return json_response(
      {{"status", kStatuses[static_cast<std::size_t>(report.verdict)]},
       {"status_code", report.status == 0 ? Json() : Json(report.status)},
       {"latency_ms", std::chrono::duration<double, std::milli>(report.took).count()},
       {"text", report.text}});
}

AdminResponse get_pools(ControlRoom& room, const AdminRequest&) {
  const auto list = AccountList::read(room.gateway());
  if (!list) return store_trouble(list.error());
  Clock& clock = room.gateway().clock();
  Json pools;
  for (const Pool pool : {Pool::kPrimary, Pool::kFallback}) {
    PoolCounts counts;
    for (const ListedAccount& account : list->accounts()) {
      if (account.config->pool != pool) continue;
      counts.add(AccountList::view_of(account, clock));
    }
    pools[pool_text(pool)] = {{"total", counts.total},
                              {"enabled", counts.enabled},
                              {"healthy", counts.healthy},
                              {"cooling", counts.cooling},
                              {"error", counts.error}};
  }
  return json_response(pools);
}

constexpr AdminRoute kRoutes[] = {
    {"GET", "/api/admin/backends", Access::kRead, list_backends, Query::kRead},
    {"POST", "/api/admin/backends", Access::kAdmin, create_backend},
    {"GET", "/api/admin/backends/{id}", Access::kRead, get_backend},
    {"PUT", "/api/admin/backends/{id}", Access::kAdmin, change_backend},
    {"DELETE", "/api/admin/backends/{id}", Access::kAdmin, delete_backend},
    {"POST", "/api/admin/backends/{id}/test", Access::kAdmin, test_backend},
    {"POST", "/api/admin/backends/{id}/drain", Access::kAdmin, drain_backend},
    {"POST", "/api/admin/backends/{id}/enable", Access::kAdmin, enable_backend},
    {"GET", "/api/admin/pools", Access::kRead, get_pools},
};

}  // namespace

std::span<const AdminRoute> backend_routes() { return kRoutes; }

}  // namespace sluice
