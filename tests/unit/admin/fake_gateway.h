#pragma once

#include <cstdlib>

#include "admin/control_room.h"
#include "engine/config/build_directory.h"
#include "tests/unit/admin/bare_gateway.h"

namespace sluice::test {

// FakeGateway - a configuration, a store and a clock, and no shards.
class FakeGateway final : public BareGateway {
 public:
  FakeGateway(std::shared_ptr<const Config> config, StoreEnvironment* store)
      : config_(std::move(config)), store_(store) {
    auto directory = build_directory(*config_, clock_.now());
    EXPECT_TRUE(directory);
    directory_ = *directory;
  }

  std::shared_ptr<const Directory> directory() override { return directory_; }
  std::shared_ptr<const Config> config() override { return config_; }
  StoreEnvironment* store() override { return store_; }
  AdminAnswer change(const AdminCall&) override { return {}; }
  ManualClock& clock() override { return clock_; }
  Instant started_at() override { return Instant(0s); }

 private:
  std::shared_ptr<const Config> config_;
  StoreEnvironment* store_;
  ManualClock clock_;
  std::shared_ptr<const Directory> directory_;
};

}  // namespace sluice::test
