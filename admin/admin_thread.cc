#include "admin/admin_thread.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "admin/admin_connection.h"
#include "engine/io/operations.h"

namespace sluice {
namespace {

constexpr Duration kSnapshotEvery = 1s;
constexpr Duration kGrace = 1s;  // for what is being sent at the end
constexpr Duration kReportFullEvery = 10s;

}  // namespace

AdminThread::AdminThread(ControlRoom& room, Shard::Options options, Clock& clock, const Log& log,
                         GiveBack give_back)
    : AdminDoor(shard_),
      room_(room),
      shard_(options, kernel_, clock, log),
      give_back_(std::move(give_back)),
      prober_(room.gateway(), room.live().health()),
      connections_(shard_),
      snapshots_(shard_),
      services_(shard_),
      ending_(shard_),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  SL_ASSERT(wake_fd_ >= 0);
}

AdminThread::~AdminThread() {
  stop();
  for (const auto& listener : listeners_) kernel_.close_socket(listener->fd);
  close(wake_fd_);
}

Result<SocketAddress> AdminThread::listen(const SocketAddress& address, Serves serves) {
  constexpr int kBacklog = 64;
  const Result<int> fd = kernel_.open_listener(address, kBacklog);
  if (!fd) return std::unexpected(fd.error());
  listeners_.push_back(std::make_unique<Listener>(shard_, *fd, serves));
  return kernel_.local_address(*fd);
}

int AdminThread::start() {
  std::promise<int> opened;
  std::future<int> result = opened.get_future();
  thread_ = std::thread([this, &opened] {
    pthread_setname_np(pthread_self(), "sluice-admin");
    lower_thread_priority();
    const int failed = kernel_.open(UringKernel::Options::small());
    opened.set_value(failed);
    if (failed != 0) return;
    for (const auto& listener : listeners_) {
      listener->accept.start(listener->fd);
      services_.spawn(accept_connections(shard_, *this, *listener));
    }
    services_.spawn(answer_calls(shard_, *this));
    services_.spawn(HealthProber::run(shard_, prober_, ends_services_));
    snapshots_.spawn(make_snapshots(shard_, *this));
    snapshots_.spawn(keep_health(shard_, *this));
    shard_.run();
  });
  return result.get();
}

void AdminThread::begin_drain(Duration delay) {
  call([this, delay] {
    shards_end_at_ = shard_.now() + delay;
    telling_ = true;
    services_.spawn(end_relayed(shard_, *this));
  });
}

Task<void> AdminThread::tell_drain(Shard& shard, AdminThread& self) {
  std::shared_ptr<const std::string> snapshot;
  const std::function<void()> build = [&] { snapshot = self.room_.tick(true); };
  if (self.feed_.listeners() > 0 && co_await run_job(shard, self, JobKind::kLook, build))
    self.feed_.publish(std::move(snapshot));
  self.telling_ = false;
}

Task<void> AdminThread::end_relayed(Shard& shard, AdminThread& self) {
  co_await tell_drain(shard, self);
  static_cast<void>(co_await Sleep(shard, self.shards_end_at_, &self.ends_services_));
  self.ends_relayed_.request(Error{.code = Errc::kDrained, .side = Side::kOurs});
  static_cast<void>(co_await Sleep(shard, shard.now() + kGrace, &self.ends_services_));
  self.cut_relayed_.request(Error{.code = Errc::kDrained, .side = Side::kOurs});
}

void AdminThread::stop() {
  if (!thread_.joinable()) return;
  call([this] { ending_.spawn(end(shard_, *this)); });
  thread_.join();
  looks_.stop();
  changes_.stop();
}

void AdminThread::take(int fd, std::string bytes, std::string relayed_for) {
  const AdminOrigin origin = relayed_for.empty() ? AdminOrigin::kShard : AdminOrigin::kRelay;
  seat(fd, std::move(bytes), origin, std::move(relayed_for));
}

void AdminThread::seat(int fd, std::string bytes, AdminOrigin origin, std::string relayed_for) {
  constexpr std::string_view kFull =
      "HTTP/1.1 503 Service Unavailable\r\nretry-after: 10\r\ncontent-type: application/json\r\n"
      "content-length: 55\r\nx-sluice-error-source: gateway\r\nconnection: close\r\n\r\n"
      "{\"detail\":\"too many administrators; see Retry-After\"}\r\n";
  if (ends_services_.requested()) return kernel_.close_socket(fd);
  ConnectionSeats& all = seats(origin);
  const std::size_t cut = all.cut();
  const bool room = all.make_room();
  if (!room || all.cut() != cut) report_full(all);
  if (room) {
    connections_.spawn(serve_admin_connection(shard_, *this, fd, std::move(bytes), origin,
                                              std::move(relayed_for)));
    return;
  }
  // As much as the socket takes at once, which has not sent anything yet: all of it.
  static_cast<void>(send(fd, kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  kernel_.close_socket(fd);
}

void AdminThread::report_full(const ConnectionSeats& seats) {
  if (shard_.now() < report_full_at_) return;
  report_full_at_ = shard_.now() + kReportFullEvery;
  LogLine(shard_.log(), LogLevel::kWarning,
          "the administrator's connections are full: those that are there longest without the "
          "token are closed for new ones")
      .field("connections", static_cast<std::int64_t>(seats.taken()))
      .field("closed", static_cast<std::int64_t>(seats.cut()));
}

Task<void> AdminThread::accept_connections(Shard&, AdminThread& self, Listener& listener) {
  const AdminOrigin origin =
      listener.serves == Serves::kMetrics ? AdminOrigin::kMetrics : AdminOrigin::kOwn;
  while (!self.ends_services_.requested()) {
    const Result<int> fd = co_await listener.accept.next(&self.ends_services_);
    if (!fd) continue;  // no descriptors are left: it goes on by itself; or the end
    self.seat(*fd, std::string(), origin, std::string());
  }
  co_await listener.accept.stop();
}

void AdminThread::call(std::function<void()> run) {
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(run));
  }
  const std::uint64_t one = 1;
  static_cast<void>(!write(wake_fd_, &one, sizeof(one)));  // full: it is awake anyway
}

void AdminThread::run_calls() {
  std::deque<std::function<void()>> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(calls_);
  }
  for (const auto& run : calls) run();
}

Task<void> AdminThread::answer_calls(Shard& shard, AdminThread& self) {
  while (!self.ends_services_.requested()) {
    const Limits limits{.deadline = kNever, .cancel = &self.ends_services_};
    static_cast<void>(co_await PollFd(shard, self.wake_fd_, POLLIN, limits));
    std::uint64_t calls = 0;
    static_cast<void>(!read(self.wake_fd_, &calls, sizeof(calls)));
    self.run_calls();
  }
}

Task<bool> AdminThread::run_job(Shard& shard, AdminThread& self, JobKind kind,
                                const std::function<void()>& job) {
  Signal done(shard);
  const auto run = [&self, &done, &job] {
    job();
    self.call([&done] { done.set(); });
  };
  JobThreads& threads = kind == JobKind::kLook ? self.looks_ : self.changes_;
  if (!threads.post(run)) co_return false;
  static_cast<void>(co_await done.wait());
  co_return true;
}

// One each second while somebody listens.
Task<void> AdminThread::make_snapshots(Shard& shard, AdminThread& self) {
  bool wanted = false;
  std::shared_ptr<const std::string> snapshot;
  const std::function<void()> build = [&] { snapshot = self.room_.tick(wanted); };
  Instant next = shard.now();
  while (true) {
    next = std::max(next + kSnapshotEvery, shard.now());
    const Result<void> slept = co_await Sleep(shard, next, &self.ends_snapshots_);
    if (!slept) co_return;
    wanted = self.feed_.listeners() > 0;
    if (!co_await run_job(shard, self, JobKind::kLook, build)) continue;
    if (snapshot != nullptr) self.feed_.publish(std::move(snapshot));
    snapshot.reset();
  }
}

// Apart from the snapshots, which a store that takes nothing must not hold up.
Task<void> AdminThread::keep_health(Shard& shard, AdminThread& self) {
  constexpr Duration kEvery = 10s;
  const std::function<void()> store = [&self] { self.room_.live().store_health(); };
  while (co_await Sleep(shard, shard.now() + kEvery, &self.ends_snapshots_))
    static_cast<void>(co_await run_job(shard, self, JobKind::kChange, store));
}

// Connections end by themselves, in time or cut; then the services that their jobs need.
Task<void> AdminThread::end(Shard& shard, AdminThread& self) {
  constexpr Duration kLookAround = 10ms;  // whether they have ended
  const Instant cut_at = shard.now() + kGrace;
  while (self.telling_ && shard.now() < cut_at)
    static_cast<void>(co_await Sleep(shard, shard.now() + kLookAround, nullptr));
  self.ends_waiting_.request(Error{.code = Errc::kDrained, .side = Side::kOurs});
  self.ends_relayed_.request(Error{.code = Errc::kDrained, .side = Side::kOurs});
  while (self.connections_.count() > 0 && shard.now() < cut_at)
    static_cast<void>(co_await Sleep(shard, shard.now() + kLookAround, nullptr));
  self.cut_.request(Error{.code = Errc::kDrained, .side = Side::kOurs});
  co_await self.connections_.join();
  // Whoever waits for a job has its answer from answer_calls().
  self.ends_snapshots_.request(Error{.code = Errc::kDrained, .side = Side::kOurs});
  co_await self.snapshots_.join();
  self.ends_services_.request(Error{.code = Errc::kDrained, .side = Side::kOurs});
  co_await self.services_.join();
  shard.stop();
}

}  // namespace sluice
