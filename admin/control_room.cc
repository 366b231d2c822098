#include "admin/control_room.h"

#include <exception>
#include <span>

#include "admin/routes/query_params.h"
#include "admin/routes/routes.h"
#include "base/wiped_heap.h"

namespace sluice {

ControlRoom::ControlRoom(Gateway& gateway, AccessRules rules)
    : gateway_(gateway), access_(std::move(rules)), live_(gateway) {
  access_.on_failure([this](const std::string& peer) {
    failed_logins_.count(live_.events(), peer, gateway_.clock().now(), gateway_.clock().unix_ms());
  });
}

void ControlRoom::tell(EventKind kind, std::string text, EventValues values) {
  tell({.kind = kind,
        .account = {},
        .backend_id = {},
        .client = {},
        .text = std::move(text),
        .values = std::move(values)});
}

void ControlRoom::tell(Event event) {
  event.unix_ms = gateway_.clock().unix_ms();
  if (event.backend_id.empty() && !event.account.empty())
    event.backend_id = live_.names()->id_of(event.account);
  live_.events().add(std::move(event));
}

std::shared_ptr<const std::string> ControlRoom::tick(bool wanted) {
  failed_logins_.look(live_.events(), gateway_.clock().now(), gateway_.clock().unix_ms());
  return live_.tick(wanted);
}

bool ControlRoom::may_test(const std::string& account, Instant now) {
  static constexpr Duration kBetween = 2s;
  const std::lock_guard lock(mutex_);
  std::erase_if(tested_at_, [now](const auto& entry) { return now - entry.second >= kBetween; });
  return tested_at_.try_emplace(account, now).second;
}

std::span<const AdminRoute> admin_routes() {
  static const std::vector<AdminRoute> kRoutes = [] {
    std::vector<AdminRoute> all;
    for (const std::span<const AdminRoute> some : {
             backend_routes(),
             client_routes(),
             gateway_routes(),
             live_routes(),
             metrics_routes(),
             page_routes(),
             price_routes(),
             provider_routes(),
             session_routes(),
             setting_routes(),
             stats_routes(),
             table_routes(),
             usage_routes(),
         })
      all.insert(all.end(), some.begin(), some.end());
    return all;
  }();
  return kRoutes;
}

AdminResponse answer_route(ControlRoom& room, const AdminRoute& route,
                           const AdminRequest& request) {
  const WipedHeap wiped;  // of keys in bodies
  try {
    if (route.query == Query::kRefused)
      if (auto refusal = QueryParams(request).refusal()) return std::move(*refusal);
    return route.handler(room, request);
  } catch (const std::exception&) {  // what a library throws; its text may hold what was sent
    return admin_error(500, "this should not happen: a fault of sluice itself, please report it",
                       "internal");
  }
}

}  // namespace sluice
