#pragma once

#include <map>
#include <mutex>
#include <string>

#include "admin/access.h"
#include "admin/gateway.h"
#include "admin/live/failed_logins.h"
#include "admin/live/live_watch.h"
#include "store/queries.h"

namespace sluice {

// ControlRoom - what the routes of the administration API work with.
//
// Affinity  any thread but a shard's.
// Lifetime  longer than the administrator's thread.
class ControlRoom {
 public:
  ControlRoom(Gateway& gateway, AccessRules rules);
  ControlRoom(const ControlRoom&) = delete;
  ControlRoom& operator=(const ControlRoom&) = delete;

  [[nodiscard]] Gateway& gateway() noexcept { return gateway_; }
  [[nodiscard]] AccessKeeper& access() noexcept { return access_; }
  [[nodiscard]] LiveWatch& live() noexcept { return live_; }
  // Tells the administrator what has happened, now.
  void tell(EventKind kind, std::string text, EventValues values = {});
  // Its time is set here, and its backend_id unless it is no account that is in force already.
  void tell(Event event);

  // Whether an account's provider may be asked now: once in 2 s. Counts as asked.
  [[nodiscard]] bool may_test(const std::string& account, Instant now);

  // How many hours' rows an answer may have; tests make do with fewer.
  [[nodiscard]] std::size_t hour_rows_max() const noexcept { return hour_rows_max_; }
  void set_hour_rows_max(std::size_t rows) noexcept { hour_rows_max_ = rows; }

  // Once a second, from one job at a time: takes the measure of things. The snapshot for those who
  // listen, as one event of a stream, when it is `wanted`.
  [[nodiscard]] std::shared_ptr<const std::string> tick(bool wanted);

 private:
  Gateway& gateway_;
  AccessKeeper access_;
  LiveWatch live_;
  FailedLogins failed_logins_;
  std::size_t hour_rows_max_ = HourlyFilter{}.rows_max;
  std::mutex mutex_;
  std::map<std::string, Instant> tested_at_;  // under mutex_: accounts, of late
};

// All routes of the API, the page and the metrics.
[[nodiscard]] std::span<const AdminRoute> admin_routes();

// What the route's handler says; 500 when it fails in a way that nobody has thought of.
[[nodiscard]] AdminResponse answer_route(ControlRoom& room, const AdminRoute& route,
                                         const AdminRequest& request);

}  // namespace sluice
