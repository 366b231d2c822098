#include "engine/gateway_shard.h"

#include <algorithm>
#include <cstring>

#include "engine/io/operations.h"
#include "engine/proxy/refuse_connection.h"
#include "engine/proxy/serve_connection.h"

namespace sluice {

GatewayShard::GatewayShard(const Shard::Options& options, Kernel& kernel, Clock& clock,
                           const Log& log, UpstreamPools::Limits pool_limits)
    : shard_(options, kernel, clock, log), pool_limits_(pool_limits), scope_(shard_) {}

GatewayShard::~GatewayShard() {
  for (const auto& listener : listeners_) {
    if (listener->fd >= 0) shard_.kernel().close_socket(listener->fd);
  }
}

std::string GatewayShard::prepare(std::shared_ptr<const Snapshot> snapshot,
                                  std::shared_ptr<const HostsFile> hosts, Dispatcher& dispatcher) {
  if (std::string failed = resolver_.open(Resolver::Options{}, std::move(hosts)); !failed.empty())
    return failed;
  // Every session names the authorities of its account (Snapshot::trust_for). Made also when no
  // account speaks TLS: a reload may bring one.
  auto context = ClientTlsContext::create(TrustStore::none());
  if (!context) return context.error();
  client_tls_.emplace(std::move(*context));
  upstreams_ = std::make_unique<UpstreamPools>(shard_, resolver_, &*client_tls_, pool_limits_);
  worker_ =
      std::make_unique<Worker>(shard_, *upstreams_, dispatcher, SnapshotRef(std::move(snapshot)));
  worker_->started_at = shard_.clock().now();
  return {};
}

Result<SocketAddress> GatewayShard::listen(const SocketAddress& address) {
  constexpr int kBacklog =
      4096;  // a burst of clients at start; the kernel caps it at net.core.somaxconn
  const Result<int> fd = shard_.kernel().open_listener(address, kBacklog);
  if (!fd) return std::unexpected(fd.error());
  listeners_.push_back(std::make_unique<Listener>(shard_, *fd));
  return shard_.kernel().local_address(*fd);
}

void GatewayShard::run() {
  upstreams_->start();
  for (const auto& listener : listeners_) {
    listener->accept.start(listener->fd);
    scope_.spawn(accept_connections(shard_, *this, listener->accept));
  }
  shard_.run();
}

Task<void> GatewayShard::accept_connections(Shard&, GatewayShard& self, AcceptStream& accept) {
  while (true) {
    const Result<int> fd = co_await accept.next(&self.worker_->drain);
    if (fd) self.take_connection(*fd);
    else if (fd.error().os_errno != 0) self.log_accept_failure(fd.error());
    else co_return;
  }
}

void GatewayShard::take_connection(int fd) {
  Worker& worker = *worker_;
  ++worker.metrics.connections_accepted;
  const std::size_t clients_max =
      std::min(worker.snapshot->settings.connections_max, worker.clients_max);
  if (worker.connections.count() < clients_max) {
    worker.connections.spawn(serve_connection(shard_, worker, fd));
    return;
  }
  ++worker.metrics.connections_refused;
  log_refusal(clients_max);
  if (worker.refusals.count() < kRefusalsMax && !worker.snapshot->listener_tls)
    worker.refusals.spawn(refuse_connection(shard_, worker.cut, fd));
  else shard_.kernel().close_socket(fd);
}

struct GatewayShard::Returned final : Letter {
  Returned(GatewayShard& shard, int fd, std::string bytes)
      : Letter(&Returned::read), shard(&shard), fd(fd), bytes(std::move(bytes)) {}
  static void read(Shard& receiver, Letter& letter) {
    const std::unique_ptr<Returned> self(&static_cast<Returned&>(letter));
    GatewayShard& home = *self->shard;
    Worker& worker = *home.worker_;
    if (home.connections_ended_) receiver.kernel().close_socket(self->fd);
    else worker.connections.spawn(resume_connection(receiver, worker, self->fd, self->bytes));
  }
  GatewayShard* shard;
  int fd;
  std::string bytes;
};

void GatewayShard::resume_from(Shard& from, int fd, std::string bytes) {
  // The receiver deletes it.
  from.post(shard_, *std::make_unique<Returned>(*this, fd, std::move(bytes)).release());
}

void GatewayShard::log_accept_failure(const Error& error) {
  const std::int64_t times = accept_failures_.count(shard_.now());
  if (times == 0) return;
  LogLine(shard_.log(), LogLevel::kError,
          "cannot accept connections: no file descriptors or no memory left; clients wait")
      .field("error", std::strerror(error.os_errno))
      .field("times", times)
      .field("clients", static_cast<std::int64_t>(worker_->connections.count()));
}

void GatewayShard::log_refusal(std::size_t clients_max) {
  const std::int64_t times = refusals_.count(shard_.now());
  if (times == 0) return;
  const bool configured = clients_max == worker_->snapshot->settings.connections_max;
  LogLine(shard_.log(), LogLevel::kWarning, "connections refused: the shard has all it may have")
      .field("times", times)
      .field("clients_max", static_cast<std::int64_t>(clients_max))
      .field("set_by", configured ? "limits.connections_max" : "the limit on file descriptors");
}

void GatewayShard::publish(Publication publication) {
  worker_->snapshot = SnapshotRef(std::move(publication.snapshot));
  resolver_.set_hosts(std::move(publication.hosts));
  shard_.set_log_level(publication.log_level);
}

void GatewayShard::begin_drain(const DrainPlan& plan) {
  if (draining_) return;
  draining_ = true;
  worker_->draining = true;  // readiness fails, answers carry Connection: close
  scope_.spawn(drain(shard_, *this, plan));
}

void GatewayShard::cut_now() {
  worker_->cut.request(Error{.code = Errc::kDrained, .side = Side::kOurs});
  grace_over_.request(Error{.code = Errc::kCancelled});
}

Task<void> GatewayShard::stop_accepting(Shard& shard, GatewayShard& self) {
  for (const auto& listener : self.listeners_) {
    co_await listener->accept.stop();
    shard.kernel().close_socket(listener->fd);
    listener->fd = -1;
  }
}

Task<void> GatewayShard::cut_after(Shard& shard, GatewayShard& self, Duration grace) {
  const Result<void> slept = co_await Sleep(shard, shard.now() + grace, &self.grace_over_);
  if (slept) self.cut_now();
}

Task<void> GatewayShard::drain(Shard& shard, GatewayShard& self, DrainPlan plan) {
  Worker& worker = *self.worker_;
  static_cast<void>(co_await Sleep(shard, shard.now() + plan.delay, &worker.cut));
  worker.drain.request(Error{.code = Errc::kDrained, .side = Side::kOurs});
  co_await stop_accepting(shard, self);
  Scope cutter(shard);
  cutter.spawn(cut_after(shard, self, plan.grace));
  // One that the administrator gives back meanwhile is served to its end as well.
  while (worker.connections.count() > 0) co_await worker.connections.join();
  self.connections_ended_ = true;
  self.grace_over_.request(Error{.code = Errc::kCancelled});
  co_await cutter.join();
  co_await worker.refusals.join();
  co_await UpstreamPools::stop(shard, *self.upstreams_);
  co_await stop(shard, self.resolver_);
  const ShardMetrics& counters = worker.metrics;
  LogLine(shard.log(), LogLevel::kInfo, "shard drained")
      .field("shard", shard.index())
      .field("connections", static_cast<std::int64_t>(counters.connections_accepted))
      .field("refused", static_cast<std::int64_t>(counters.connections_refused))
      .field("requests", static_cast<std::int64_t>(counters.requests))
      .field("attempts", static_cast<std::int64_t>(counters.attempts))
      .field("hedges", static_cast<std::int64_t>(counters.hedges))
      .field("retries_denied", static_cast<std::int64_t>(counters.retries_denied))
      .field("fallback", static_cast<std::int64_t>(worker.balancer.counters.fallback))
      .field("emergency", static_cast<std::int64_t>(worker.balancer.counters.emergency))
      .field("primary_waits",
             static_cast<std::int64_t>(worker.balancer.counters.primary_wait_enter))
      .field("primary_recovered",
             static_cast<std::int64_t>(worker.balancer.counters.primary_wait_recovery));
  shard.stop();
}

}  // namespace sluice
