#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "admin/gateway.h"
#include "admin/live/account_view.h"
#include "admin/live/account_watch.h"
#include "admin/live/event_ring.h"
#include "admin/live/health_board.h"
#include "admin/live/success_window.h"
#include "admin/live/tagged_accounts.h"
#include "admin/live/traffic_window.h"

namespace sluice {

// What is said of a pool's accounts.
struct PoolCounts {
  // In error: those that only fail among them, as the predecessor's health check had it.
  std::uint32_t total = 0, enabled = 0, healthy = 0, cooling = 0, error = 0;

  void add(const AccountView& view) noexcept;
};

// Sums since a time, and money in nano-dollars.
struct UsageTotals {
  std::uint64_t requests = 0, errors = 0, tokens = 0, prompt_tokens = 0, completion_tokens = 0;
  std::uint64_t nano_dollars = 0;
  std::uint64_t unpriced = 0;  // attempts with tokens that nano_dollars leaves out
};

// LiveFigures - all that a snapshot is made of, at one moment.
struct LiveFigures {
  Instant now{};
  std::int64_t unix_ms = 0;
  double uptime_s = 0;
  bool draining = false;
  bool stored = false;  // false: there is no store, and `all` and `today` know nothing
  std::uint64_t revision = 0;
  std::uint64_t last_event_id = 0;
  std::shared_ptr<const Directory> directory;
  std::vector<AccountView> accounts;  // in the directory's order
  std::vector<AccountView> unopened;  // likewise
  PoolCounts pools[2];                // primary, fallback; the unopened among them
  TrafficPoint traffic;
  std::shared_ptr<const QueueSummary> queue;
  std::array<std::uint64_t, kPriorities> waiting{};
  UsageTotals all, today;
  std::string today_date;
};

// LiveWatch - looks at the gateway once a second: what happens, how fast, and to whom. Its snapshot
// is built once for all who listen.
//
// Owns      the latest events, five minutes of figures, the health of accounts.
// Affinity  any thread but a shard's; tick() one at a time.
class LiveWatch {
 public:
  explicit LiveWatch(Gateway& gateway) : gateway_(gateway) {}

  // The snapshot as an event of a stream, when it is `wanted`; else null.
  [[nodiscard]] std::shared_ptr<const std::string> tick(bool wanted);

  // Writes down what probes have found since the last call, one caller at a time. Blocks for as
  // long as the store takes nothing.
  void store_health();

  [[nodiscard]] EventRing& events() noexcept { return events_; }
  [[nodiscard]] HealthBoard& health() noexcept { return health_; }
  // The body of /api/admin/history.
  [[nodiscard]] std::string history() const;
  // The figures of now, without rates and sums.
  [[nodiscard]] LiveFigures look();
  [[nodiscard]] std::shared_ptr<const TaggedAccounts> names();

 private:
  static constexpr std::size_t kHistory = 300;  // seconds

  void take_names(const std::shared_ptr<const Directory>& directory);
  void list_accounts(const std::shared_ptr<const Directory>& directory);
  void take_sums(LiveFigures& figures);
  void tell_events(const LiveFigures& figures);
  void remember(const LiveFigures& figures);

  Gateway& gateway_;
  EventRing events_;
  HealthBoard health_;
  AccountWatch account_watch_;
  TrafficWindow traffic_;
  SuccessWindow success_;
  std::mutex tick_mutex_;
  bool told_start_ = false;
  bool told_drain_ = false;
  bool told_trouble_ = false;
  std::optional<std::int64_t> told_backup_ms_;
  std::shared_ptr<const void> listed_;      // the directory whose account parts are listed_parts_
  std::vector<std::string> account_parts_;  // what does not change of each, the unopened last
  std::vector<std::uint32_t> by_name_;      // positions in account_parts_, in the order of names

  mutable std::mutex mutex_;
  struct Point {
    double at = 0;
    TrafficPoint traffic;
  };
  // The seconds up to the last point, oldest first; null where nobody looked. A point that comes
  // late stands for the second before it, too.
  [[nodiscard]] std::vector<const Point*> seconds() const;
  std::deque<Point> points_;  // under mutex_, as these:
  std::shared_ptr<const TaggedAccounts> names_;
  std::shared_ptr<const Directory> named_;  // of whom names_ are
  std::uint64_t revision_ = 0;
};

}  // namespace sluice
