#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/net/resolver.h"
#include "engine/net/upstream_pool.h"
#include "tests/unit/net/listener.h"
#include "tests/unit/net/tls_wire.h"
#include "tests/unit/net/wire.h"
#include "tests/unit/shard_fixture.h"

namespace sluice {

inline constexpr UpstreamPools::Limits kPoolLimits{
    .idle_max = 45s, .age_max = 10min, .open_max = 3};

// The connections of a shard to a provider on this machine. At the end of each test all are closed
// and all memory is back.
class UpstreamPoolTest : public ShardTest {
 protected:
  void SetUp() override {
    ShardTest::SetUp();
    listener_.emplace(kernel_);
    arena_.emplace(shard_->blocks());
    pools_.emplace(*shard_, resolver_, &world_.client, kPoolLimits);
    pools_->start();
  }
  void TearDown() override {
    finished(UpstreamPools::stop(*shard_, *pools_));
    arena_->reset();
    EXPECT_EQ(shard_->blocks().bytes_in_use(), 0u);
  }

  EndpointPool& pool(bool tls = false) { return pool_at(listener_->port(), tls); }
  EndpointPool& pool_at(std::uint16_t port, bool tls = false) {
    return pools_->pool_for({.host = "127.0.0.1", .ca_file = "", .port = port, .tls = tls});
  }
  Task<Result<UpstreamConnection*>> opening(bool tls = false, Limits limits = {},
                                            const TrustStore* trust = nullptr) {
    return UpstreamPools::open(*shard_, *pools_, pool(tls), trust, limits, *arena_, failure_);
  }
  // An open connection in use; the provider's end of it is the last of wires_.
  UpstreamConnection& open() {
    const Result<UpstreamConnection*> opened = finished(opening());
    EXPECT_TRUE(opened);
    accept();
    return **opened;
  }
  UpstreamConnection& open_idle() {
    UpstreamConnection& connection = open();
    pools_->give_back(connection, true);
    return connection;
  }
  Wire& accept() {
    int fd = -1;
    turn_until([&] { return (fd = listener_->accept()) >= 0; });
    return *wires_.emplace_back(std::make_unique<Wire>(fd));
  }
  UpstreamConnection* take() { return pools_->take_idle(pool()); }
  // The provider sees that we have closed.
  void expect_closed(Wire& wire) {
    turn_until([&] { return wire.ended(); });
  }

  TlsWorld world_;
  Resolver resolver_;
  std::optional<Listener> listener_;
  std::optional<Arena> arena_;
  std::optional<UpstreamPools> pools_;
  std::string_view failure_;
  std::vector<std::unique_ptr<Wire>> wires_;
};

}  // namespace sluice
