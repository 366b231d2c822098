#pragma once

#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "admin/gateway.h"

namespace sluice::test {

// BareGateway - a gateway without shards: what a test does not ask about is empty.
class BareGateway : public Gateway {
 public:
  std::shared_ptr<const Snapshot> snapshot() override { return nullptr; }
  void write_store(const std::function<void(Writer& writer)>&) override {}
  std::expected<void, ConfigErrors> reload_now() override { return {}; }
  void drain_now() override {}
  bool draining() override { return false; }
  std::vector<ShardFigures> shards() override { return {}; }
  std::vector<const DecisionLog*> decisions() override { return {}; }
  std::optional<StoreNumbers> store_numbers() override { return std::nullopt; }
  Dispatcher& dispatcher() override { std::abort(); }  // nobody waits here
  std::shared_ptr<const QueueSummary> queue() override {
    return std::make_shared<const QueueSummary>();
  }

 protected:
  ~BareGateway() = default;
};

}  // namespace sluice::test
