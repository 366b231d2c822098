#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/arena.h"
#include "engine/io/signal.h"
#include "engine/net/stream.h"
#include "engine/task/scope.h"
#include "parser/ip_reach.h"
#include "tls/context.h"

namespace sluice {

class Resolver;
class EndpointPool;
class UpstreamPools;

// UpstreamTarget - where a connection leads. Two accounts with the same target share connections:
// the key travels in each request's head, not in the connection.
struct UpstreamTarget {
  std::string host;
  std::string ca_file;  // "" : the system's authorities
  std::uint16_t port = 0;
  bool tls = false;
  Reach reach = Reach::kAny;
};

// The same as views: how a target is asked for, without a copy.
struct UpstreamTargetView {
  std::string_view host;
  std::string_view ca_file;
  std::uint16_t port = 0;
  bool tls = false;
  Reach reach = Reach::kAny;
};

// UpstreamConnection - one open connection to a provider, in use by an exchange or idle in its
// pool.
//
// Affinity  one shard. Made, given back and closed through UpstreamPools only.
class UpstreamConnection final : public ListNode {
 public:
  UpstreamConnection(Shard& shard, EndpointPool& pool, int fd)
      : stream(shard, fd, Side::kUpstream),
        pool_(&pool),
        watch_(*this),
        age_(*this),
        opened_at_(shard.now()) {}

  Stream stream;
  std::uint32_t exchanges = 0;  // begun on this connection; above 1 it was reused

 private:
  friend class UpstreamPools;
  // While idle, a byte, the end or the timer makes the connection useless (HTTP_RULES C7).
  struct IdleWatch final : CancelHook {
    explicit IdleWatch(UpstreamConnection& connection) : connection(connection) {}
    void on_cancel(const Error&) noexcept override;
    UpstreamConnection& connection;
  };
  struct IdleTimer final : Timer {
    explicit IdleTimer(UpstreamConnection& connection) : connection(connection) {}
    void on_timer() noexcept override;
    UpstreamConnection& connection;
  };

  EndpointPool* pool_;
  CancelSource idle_end_;
  IdleWatch watch_;
  IdleTimer age_;
  Instant opened_at_;
};

// EndpointPool - the idle connections of one target, the youngest first: the others may then reach
// their idle time.
class EndpointPool {
 public:
  EndpointPool(UpstreamPools& pools, UpstreamTarget target)
      : pools_(&pools), target_(std::move(target)) {}

  [[nodiscard]] const UpstreamTarget& target() const noexcept { return target_; }
  [[nodiscard]] std::size_t idle_count() const noexcept { return idle_count_; }
  [[nodiscard]] std::size_t open_count() const noexcept { return open_count_; }

 private:
  friend class UpstreamPools;
  friend class UpstreamConnection;
  UpstreamPools* pools_;
  UpstreamTarget target_;
  IntrusiveList<UpstreamConnection> idle_;
  std::size_t idle_count_ = 0;
  std::size_t open_count_ = 0;
};

// UpstreamPools - all connections of one shard to providers.
//
// Owns      the connections. Affinity: one shard.
// Lifetime  start() once, then co_await stop() before it dies.
class UpstreamPools {
 public:
  struct Limits {
    Duration idle_max = 45s;   // shorter than what providers use, so that we close first
    Duration age_max = 10min;  // so that a change of DNS is followed
    // In use, idle and on their way, of all targets: a descriptor each. With so many, one that is
    // idle is closed before another one is opened.
    std::size_t open_max = 10'000;
  };

  UpstreamPools(Shard& shard, Resolver& resolver, ClientTlsContext* tls, const Limits& limits);
  ~UpstreamPools();
  UpstreamPools(const UpstreamPools&) = delete;
  UpstreamPools& operator=(const UpstreamPools&) = delete;

  void start();
  static Task<void> stop(Shard& shard, UpstreamPools& pools);

  // The pool of a target; made when it is new.
  [[nodiscard]] EndpointPool& pool_for(const UpstreamTargetView& target);

  // An idle connection, or null: then open() one.
  [[nodiscard]] UpstreamConnection* take_idle(EndpointPool& pool) noexcept;

  // A fresh connection: DNS, TCP and TLS within `limits`. `trust` is null without TLS. Errors are
  // safe to retry (nothing was sent); `failure` gets a sentence where there is more to say than the
  // code, in `arena`.
  static Task<Result<UpstreamConnection*>> open(Shard& shard, UpstreamPools& pools,
                                                EndpointPool& pool, const TrustStore* trust,
                                                sluice::Limits limits, Arena& arena,
                                                std::string_view& failure);

  // Gives a connection back whose exchange ended cleanly; it is closed when it may not be reused.
  void give_back(UpstreamConnection& connection, bool reusable) noexcept;

 private:
  friend class UpstreamConnection;
  static Task<void> reap(Shard& shard, UpstreamPools& pools);
  static Task<void> close_all(Shard& shard, UpstreamPools& pools);
  static Task<void> close_one_idle(Shard& shard, UpstreamPools& pools);
  [[nodiscard]] std::size_t descriptors() const noexcept { return open_count_ + connecting_count_; }
  void leave_idle(UpstreamConnection& connection) noexcept;
  void discard(UpstreamConnection& connection) noexcept;
  void destroy(UpstreamConnection& connection) noexcept;

  Shard* shard_;
  Resolver* resolver_;
  ClientTlsContext* tls_;
  Limits limits_;
  std::vector<std::unique_ptr<EndpointPool>> pools_;
  IntrusiveList<UpstreamConnection> discarded_;  // waiting for the reaper
  Signal work_;
  Scope scope_;
  std::size_t open_count_ = 0;
  std::size_t discarded_count_ = 0;   // of those that are open
  std::size_t connecting_count_ = 0;  // not open yet
  bool stopping_ = false;
};

}  // namespace sluice
