#pragma once

#include <deque>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "admin/connection_seats.h"
#include "admin/control_room.h"
#include "admin/health_prober.h"
#include "admin/job_threads.h"
#include "admin/snapshot_feed.h"
#include "base/start_failure.h"
#include "engine/io/accept_stream.h"
#include "engine/io/signal.h"
#include "engine/io/uring_kernel.h"
#include "engine/net/stream.h"
#include "engine/proxy/admin_door.h"
#include "engine/task/scope.h"

namespace sluice {

// How a connection came to the administrator.
enum class AdminOrigin : std::uint8_t {
  kShard,    // handed over by a shard, and may go back there
  kRelay,    // one end of a pair of sockets, for one request
  kOwn,      // accepted by a listener of the administrator's
  kMetrics,  // accepted by the listener for metrics
};

// AdminThread - the administrator's connections: on a thread and a ring of their own, of low
// priority, so that nothing that is asked here holds up a shard. Connections come from the shards'
// listeners, by hand_over(), and from listeners of its own; a connection whose next request is for
// the proxy goes back. Requests are answered by JobThreads.
//
// Owns      the thread, its ring, the connections.
// Affinity  made, opened, started and stopped by the starting thread.
// Lifetime  stop() before the control room dies, and after the shards have ended.
class AdminThread final : public AdminDoor {
 public:
  // Gives a connection back to a shard: the descriptor, and what was read of it.
  using GiveBack = std::function<void(Shard& from, int fd, std::string bytes)>;

  AdminThread(ControlRoom& room, Shard::Options options, Clock& clock, const Log& log,
              GiveBack give_back);
  ~AdminThread();

  enum class Serves : std::uint8_t {
    kAll,      // and proxy paths are 404
    kMetrics,  // /metrics and the health routes, nothing else
  };
  // Opens a listener; the address that it got. Before start().
  [[nodiscard]] Result<SocketAddress> listen(const SocketAddress& address, Serves serves);

  // Health probes: what they need besides a ring. Empty, or why there will be none. Before start().
  [[nodiscard]] std::string prepare_probes() { return prober_.prepare(); }
  // Error: an errno, when there is no ring to be had.
  [[nodiscard]] int start();
  // From the starting thread: shards end their connections in `delay`. Those that they relay end
  // with them, for a shard waits for these; all others go on until stop(). Who listens is told at
  // once, for there may be no next second.
  void begin_drain(Duration delay);
  void stop();

  // For its connections, on its thread.
  [[nodiscard]] ControlRoom& room() noexcept { return room_; }
  [[nodiscard]] SnapshotFeed& feed() noexcept { return feed_; }
  [[nodiscard]] CancelSource& cut() noexcept { return cut_; }
  // Waits for a next snapshot, and for a next request.
  [[nodiscard]] CancelSource& ends_waiting(AdminOrigin origin) noexcept {
    return origin == AdminOrigin::kRelay ? ends_relayed_ : ends_waiting_;
  }
  // Streams that have not got rid of their last snapshot in kGrace.
  [[nodiscard]] CancelSource& ends_streams(AdminOrigin origin) noexcept {
    return origin == AdminOrigin::kRelay ? cut_relayed_ : cut_;
  }
  // Shards take connections back until they end theirs.
  [[nodiscard]] bool may_give_back() const noexcept {
    return !ends_relayed_.requested() && shard_.now() < shards_end_at_;
  }
  [[nodiscard]] ConnectionSeats& seats(AdminOrigin origin) noexcept {
    return origin == AdminOrigin::kMetrics ? metrics_seats_ : seats_;
  }
  void give_back(int fd, std::string bytes) { give_back_(shard_, fd, std::move(bytes)); }

  // What a job does: those that change something may wait long, for a provider that is tried, a
  // disk that hangs, a reload. Looks go on meanwhile, and the snapshots with them.
  enum class JobKind : std::uint8_t { kLook, kChange };
  // Has a job thread run `job` and waits for its end: not called off, for it may refer to what the
  // caller holds. False: too many wait, it was not run. `job` must outlive the call.
  static Task<bool> run_job(Shard& shard, AdminThread& self, JobKind kind,
                            const std::function<void()>& job);

  // From any thread: has this one run it.
  void call(std::function<void()> run);

 private:
  struct Listener {
    Listener(Shard& shard, int fd, Serves serves) : accept(shard), fd(fd), serves(serves) {}
    AcceptStream accept;
    int fd;
    Serves serves;
  };

  void take(int fd, std::string bytes, std::string relayed_for) override;
  void seat(int fd, std::string bytes, AdminOrigin origin, std::string relayed_for);
  void report_full(const ConnectionSeats& seats);
  void run_calls();
  static Task<void> accept_connections(Shard& shard, AdminThread& self, Listener& listener);
  static Task<void> answer_calls(Shard& shard, AdminThread& self);
  static Task<void> make_snapshots(Shard& shard, AdminThread& self);
  static Task<void> keep_health(Shard& shard, AdminThread& self);
  static Task<void> tell_drain(Shard& shard, AdminThread& self);
  static Task<void> end_relayed(Shard& shard, AdminThread& self);
  static Task<void> end(Shard& shard, AdminThread& self);

  ControlRoom& room_;
  UringKernel kernel_;
  Shard shard_;
  GiveBack give_back_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  SnapshotFeed feed_;
  HealthProber prober_;
  // Listeners of snapshots among them; a connection has 20 KiB.
  ConnectionSeats seats_{1024};
  ConnectionSeats metrics_seats_{128};  // of the listener for metrics: no part of the others'
  Instant report_full_at_{};
  Instant shards_end_at_ = kNever;
  bool telling_ = false;  // who listens has not been told of the drain yet
  Scope connections_;
  Scope snapshots_;
  Scope services_;
  Scope ending_;
  CancelSource cut_;  // calls off everything
  CancelSource ends_waiting_;
  CancelSource ends_relayed_;
  CancelSource cut_relayed_;
  CancelSource ends_snapshots_;
  CancelSource ends_services_;
  int wake_fd_ = -1;
  std::mutex mutex_;
  std::deque<std::function<void()>> calls_;  // under mutex_
  std::thread thread_;
  static constexpr std::size_t kLookThreads = 2;
  static constexpr std::size_t kChangeThreads = 4;  // four that wait must not be all that there is
  // They die first: what they call lives here.
  JobThreads looks_{kLookThreads};
  JobThreads changes_{kChangeThreads};
};

}  // namespace sluice
