#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log_throttle.h"
#include "engine/io/accept_stream.h"
#include "engine/net/resolver.h"
#include "engine/proxy/worker.h"

namespace sluice {

// DrainPlan - how a shard ends (HTTP_RULES, Drain and upgrade).
struct DrainPlan {
  Duration delay = 0s;   // from "not ready" to the end of accepting
  Duration grace = 30s;  // from then until what still runs is cut
};

// Publication - what a reload brings to a shard. The files that it comes from were read by others.
struct Publication {
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const HostsFile> hosts;
  LogLevel log_level = LogLevel::kInfo;
};

// GatewayShard - everything that runs on one shard's thread: loop, resolver, connections to
// providers, listeners, the proxy. On any kernel and clock, the simulated ones too.
//
// Owns      all of it, and the listening descriptors; not the kernel and the clock.
// Affinity  made and prepared on the starting thread, then run() on its own.
// Lifetime  run() returns when the shard has drained.
class GatewayShard {
 public:
  GatewayShard(const Shard::Options& options, Kernel& kernel, Clock& clock, const Log& log,
               UpstreamPools::Limits pool_limits);
  ~GatewayShard();
  GatewayShard(const GatewayShard&) = delete;
  GatewayShard& operator=(const GatewayShard&) = delete;

  // On the starting thread: what reads files and must not run on the shard. Empty, or what went
  // wrong.
  [[nodiscard]] std::string prepare(std::shared_ptr<const Snapshot> snapshot,
                                    std::shared_ptr<const HostsFile> hosts, Dispatcher& dispatcher);
  // How many clients the descriptors of this process allow for on this shard, whatever
  // connections_max says. After prepare().
  void limit_clients(std::size_t clients_max) noexcept { worker_->clients_max = clients_max; }
  // Where this shard's requests are recorded. After prepare().
  void record_to(JournalWriter& journal) noexcept { worker_->journal = &journal; }
  // Who answers the administrator's requests. After prepare().
  void admit_to(AdminDoor& door) noexcept { worker_->admin = &door; }
  // Takes back a connection that was handed over; from the thread of `from`.
  void resume_from(Shard& from, int fd, std::string bytes);
  // Opens a listener; the address that it got (port 0 is the kernel's choice).
  [[nodiscard]] Result<SocketAddress> listen(const SocketAddress& address);
  // Serves until begin_drain() has done its work. The kernel was opened on this thread.
  void run();

  // On the shard's thread, from messages.
  void publish(Publication publication);
  void begin_drain(const DrainPlan& plan);
  void cut_now();

  [[nodiscard]] Shard& shard() noexcept { return shard_; }
  [[nodiscard]] const Worker& worker() const noexcept { return *worker_; }
  // What it has counted; any thread, from prepare() on.
  [[nodiscard]] ShardFigures figures() const noexcept {
    return {.metrics = &worker_->metrics, .ladder = &worker_->balancer.counters};
  }

 private:
  struct Returned;
  static Task<void> accept_connections(Shard& shard, GatewayShard& self, AcceptStream& accept);
  void take_connection(int fd);
  void log_accept_failure(const Error& error);
  void log_refusal(std::size_t clients_max);
  static Task<void> drain(Shard& shard, GatewayShard& self, DrainPlan plan);
  static Task<void> cut_after(Shard& shard, GatewayShard& self, Duration grace);
  static Task<void> stop_accepting(Shard& shard, GatewayShard& self);

  struct Listener {
    Listener(Shard& shard, int fd) : accept(shard), fd(fd) {}
    AcceptStream accept;
    int fd;
  };

  Shard shard_;
  Resolver resolver_;
  std::optional<ClientTlsContext> client_tls_;  // from prepare() on
  std::unique_ptr<UpstreamPools> upstreams_;
  std::unique_ptr<Worker> worker_;
  UpstreamPools::Limits pool_limits_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  Scope scope_;              // accept loops and the drain itself
  CancelSource grace_over_;  // calls off cut_after when everything ended by itself
  LogThrottle accept_failures_;
  LogThrottle refusals_;
  bool draining_ = false;
  bool connections_ended_ = false;  // drained: none is taken back from the admin thread
};

}  // namespace sluice
