#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/metrics_view.h"
#include "admin/operations.h"
#include "base/clock.h"
#include "engine/config/config.h"
#include "engine/config/load.h"
#include "engine/proxy/decision_log.h"
#include "engine/proxy/dispatcher.h"
#include "engine/proxy/queue_watch.h"
#include "engine/proxy/snapshot.h"
#include "engine/route/directory.h"
#include "store/environment.h"
#include "store/writer.h"

namespace sluice {

// Gateway - what the control room sees of the running gateway, and what it can have it do.
//
// Affinity  any thread but a shard's: these may wait.
// Lifetime  longer than the control room.
class Gateway {
 public:
  [[nodiscard]] virtual std::shared_ptr<const Directory> directory() = 0;
  [[nodiscard]] virtual std::shared_ptr<const Snapshot> snapshot() = 0;  // with that directory
  [[nodiscard]] virtual std::shared_ptr<const Config> config() = 0;
  // Null: nothing is stored.
  [[nodiscard]] virtual StoreEnvironment* store() = 0;
  // Runs `job` on the store's thread and waits for its end. With a store only.
  virtual void write_store(const std::function<void(Writer& writer)>& job) = 0;
  // Does it on the store's thread and, if that changed something, waits until it is in force.
  [[nodiscard]] virtual AdminAnswer change(const AdminCall& call) = 0;
  // As SIGHUP; or why nothing has changed.
  [[nodiscard]] virtual std::expected<void, ConfigErrors> reload_now() = 0;
  // As SIGTERM.
  virtual void drain_now() = 0;
  [[nodiscard]] virtual bool draining() = 0;
  // Of each shard, in their order.
  [[nodiscard]] virtual std::vector<ShardFigures> shards() = 0;
  [[nodiscard]] virtual std::vector<const DecisionLog*> decisions() = 0;
  // Nothing: nothing is stored.
  [[nodiscard]] virtual std::optional<StoreNumbers> store_numbers() = 0;
  [[nodiscard]] virtual Dispatcher& dispatcher() = 0;
  // Who waits; never null.
  [[nodiscard]] virtual std::shared_ptr<const QueueSummary> queue() = 0;
  [[nodiscard]] virtual Clock& clock() = 0;
  [[nodiscard]] virtual Instant started_at() = 0;

 protected:
  ~Gateway() = default;
};

}  // namespace sluice
