#include "engine/net/upstream_pool.h"

#include <algorithm>
#include <new>

#include "base/arena.h"
#include "engine/net/connector.h"

namespace sluice {

void UpstreamConnection::IdleWatch::on_cancel(const Error&) noexcept {
  UpstreamPools& pools = *connection.pool_->pools_;
  pools.leave_idle(connection);
  pools.discard(connection);
}

void UpstreamConnection::IdleTimer::on_timer() noexcept { connection.watch_.on_cancel(Error{}); }

UpstreamPools::UpstreamPools(Shard& shard, Resolver& resolver, ClientTlsContext* tls,
                             const Limits& limits)
    : shard_(&shard),
      resolver_(&resolver),
      tls_(tls),
      limits_(limits),
      work_(shard),
      scope_(shard) {}

UpstreamPools::~UpstreamPools() { SL_ASSERT(open_count_ == 0); }

void UpstreamPools::start() { scope_.spawn(reap(*shard_, *this)); }

Task<void> UpstreamPools::stop(Shard&, UpstreamPools& pools) {
  pools.stopping_ = true;
  for (auto& pool : pools.pools_) {
    while (UpstreamConnection* const connection = pool->idle_.front()) {
      pools.leave_idle(*connection);
      pools.discard(*connection);
    }
  }
  pools.work_.set();
  co_await pools.scope_.join();
}

EndpointPool& UpstreamPools::pool_for(const UpstreamTargetView& target) {
  for (auto& pool : pools_) {
    const UpstreamTarget& known = pool->target();
    if (known.port == target.port && known.tls == target.tls && known.host == target.host &&
        known.ca_file == target.ca_file && known.reach == target.reach) {
      return *pool;
    }
  }
  pools_.push_back(
      std::make_unique<EndpointPool>(*this, UpstreamTarget{.host = std::string(target.host),
                                                           .ca_file = std::string(target.ca_file),
                                                           .port = target.port,
                                                           .tls = target.tls,
                                                           .reach = target.reach}));
  return *pools_.back();
}

UpstreamConnection* UpstreamPools::take_idle(EndpointPool& pool) noexcept {
  UpstreamConnection* const connection = pool.idle_.front();
  if (connection == nullptr) return nullptr;
  leave_idle(*connection);
  ++connection->exchanges;
  return connection;
}

Task<Result<UpstreamConnection*>> UpstreamPools::open(Shard& shard, UpstreamPools& pools,
                                                      EndpointPool& pool, const TrustStore* trust,
                                                      sluice::Limits limits, Arena& arena,
                                                      std::string_view& failure) {
  const UpstreamTarget& target = pool.target();
  ++pools.connecting_count_;
  if (pools.descriptors() > pools.limits_.open_max) co_await close_one_idle(shard, pools);
  const Result<int> fd =
      co_await connect_tcp(shard, *pools.resolver_, target.host, target.port, limits, target.reach);
  --pools.connecting_count_;
  if (!fd) co_return std::unexpected(fd.error());
  void* const memory = shard.frames().take(sizeof(UpstreamConnection));
  auto* const connection = new (memory) UpstreamConnection(shard, pool, *fd);
  ++pool.open_count_;
  ++pools.open_count_;
  if (target.tls) {
    const TlsPeer peer{.host = target.host, .port = target.port, .trust = trust};
    connection->stream.use_tls(TlsSession::make(*pools.tls_, peer, shard.blocks()));
    const Result<void> shaken = co_await tls_handshake(shard, connection->stream, limits);
    if (!shaken) {
      failure = arena.copy(connection->stream.tls()->failure());
      co_await close_stream(shard, connection->stream);
      pools.destroy(*connection);
      Error error = shaken.error();
      error.retry = Retry::kSafe;  // no byte of the request was sent
      co_return std::unexpected(error);
    }
  }
  connection->exchanges = 1;
  co_return connection;
}

void UpstreamPools::give_back(UpstreamConnection& connection, bool reusable) noexcept {
  EndpointPool& pool = *connection.pool_;
  const Instant now = shard_->now();
  const Instant too_old = connection.opened_at_ + limits_.age_max;
  const bool keep = reusable && !stopping_ && !connection.stream.readable() && now < too_old &&
                    descriptors() - discarded_count_ <= limits_.open_max;
  if (!keep) {
    discard(connection);
    return;
  }
  pool.idle_.push_front(connection);
  ++pool.idle_count_;
  connection.idle_end_.reset();
  connection.idle_end_.add(connection.watch_);
  connection.stream.recv().watch_end(&connection.idle_end_);
  connection.stream.recv().watch_data(&connection.idle_end_);
  shard_->timers().start(connection.age_, std::min(now + limits_.idle_max, too_old));
}

// Takes a connection out of the idle list and stops watching it.
void UpstreamPools::leave_idle(UpstreamConnection& connection) noexcept {
  static_cast<ListNode&>(connection).unlink();
  --connection.pool_->idle_count_;
  connection.watch_.unlink();
  connection.stream.recv().watch_end(nullptr);
  connection.stream.recv().watch_data(nullptr);
  shard_->timers().stop(connection.age_);
}

void UpstreamPools::discard(UpstreamConnection& connection) noexcept {
  discarded_.push_back(connection);
  ++discarded_count_;
  work_.set();
}

void UpstreamPools::destroy(UpstreamConnection& connection) noexcept {
  --connection.pool_->open_count_;
  --open_count_;
  if (stopping_) work_.set();
  connection.~UpstreamConnection();
  shard_->frames().give(&connection, sizeof(UpstreamConnection));
}

Task<void> UpstreamPools::close_all(Shard& shard, UpstreamPools& pools) {
  while (UpstreamConnection* const connection = pools.discarded_.pop_front()) {
    co_await close_stream(shard, connection->stream);
    --pools.discarded_count_;
    pools.destroy(*connection);
  }
}

// The longest idle one of the target that has the most of them; nothing when none is idle.
Task<void> UpstreamPools::close_one_idle(Shard& shard, UpstreamPools& pools) {
  EndpointPool* most = nullptr;
  for (auto& pool : pools.pools_) {
    if (pool->idle_count_ > (most == nullptr ? 0 : most->idle_count_)) most = pool.get();
  }
  if (most == nullptr) co_return;
  UpstreamConnection& connection = *most->idle_.back();
  pools.leave_idle(connection);
  co_await close_stream(shard, connection.stream);
  pools.destroy(connection);
}

// Closes what was discarded, one turn's harvest after the other, until the pools stop and nothing
// is open.
Task<void> UpstreamPools::reap(Shard& shard, UpstreamPools& pools) {
  while (true) {
    co_await close_all(shard, pools);
    if (pools.stopping_ && pools.open_count_ == 0) co_return;
    static_cast<void>(co_await pools.work_.wait());
  }
}

}  // namespace sluice
