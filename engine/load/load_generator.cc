#include "engine/load/load_generator.h"

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cstring>

#include "engine/io/operations.h"
#include "tls/random.h"

namespace sluice {
namespace {

// Requests that are started one after the other before the kernel is looked at again.
constexpr int kStartsMax = 64;
// For the first connection: names, TCP and TLS.
constexpr Duration kReachPatience = 10s;
constexpr Duration kProgressEvery = 1s;
constexpr Duration kBeatEvery = 10ms;
// Below what servers use (Node.js closes after 5 s, others after 60 s and more), so that few of our
// requests meet a connection that is just being closed.
constexpr Duration kIdleMax = 4s;

Duration thread_cpu() noexcept {
  timespec ts{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
  return std::chrono::seconds(ts.tv_sec) + Duration(ts.tv_nsec);
}

std::string why_unreached(const Error& error, std::string_view failure) {
  if (!failure.empty()) return std::string(failure);
  std::string why(errc_text(error.code));
  if (error.os_errno != 0) why += std::string(" (") + std::strerror(error.os_errno) + ")";
  return why;
}

}  // namespace

std::string LoadGenerator::open() {
  if (const int os_errno = kernel_.open(UringKernel::Options{}); os_errno != 0)
    return uring_refusal(os_errno, "");
  // No spinning: what is tested may share this machine.
  shard_.emplace(Shard::Options{.seed = random_seed(), .spin_max = Duration::zero()}, kernel_,
                 *clock_, Log(silence_, *clock_, LogLevel::kError, LogFormat::kText));
  auto hosts = HostsFile::read();
  if (!hosts) return hosts.error();
  if (std::string failed =
          resolver_.open(Resolver::Options{}, std::make_shared<const HostsFile>(std::move(*hosts)));
      !failed.empty())
    return failed;
  const UpstreamTarget& target = shape_->target();
  auto tls = ClientTlsContext::create(TrustStore::none());
  if (!tls) return tls.error();
  tls_.emplace(std::move(*tls));
  pools_.emplace(
      *shard_, resolver_, &*tls_,
      UpstreamPools::Limits{.idle_max = kIdleMax, .open_max = settings_.connections_max});
  pools_->start();
  requests_.emplace(*shard_);
  run_.pools = &*pools_;
  run_.pool = &pools_->pool_for({.host = target.host,
                                 .ca_file = target.ca_file,
                                 .port = target.port,
                                 .tls = target.tls,
                                 .reach = target.reach});
  run_.shape = shape_;
  run_.tally = tally_;
  return {};
}

std::string LoadGenerator::reach() {
  std::string failed;
  requests_->spawn(open_first(*shard_, *this, failed));
  turn_until_done(*requests_);
  return failed;
}

Task<void> LoadGenerator::open_first(Shard& shard, LoadGenerator& self, std::string& failed) {
  Arena arena(shard.blocks());
  std::string_view failure;
  const Instant began = shard.clock().now();
  const Limits limits{.deadline = began + std::min(kReachPatience, self.settings_.timeout)};
  const Result<UpstreamConnection*> opened = co_await UpstreamPools::open(
      shard, *self.pools_, *self.run_.pool, self.run_.trust, limits, arena, failure);
  if (opened) {
    self.tally_->note_connection(shard.clock().now() - began);
    self.pools_->give_back(**opened, true);
  } else {
    failed = why_unreached(opened.error(), failure);
  }
}

LoadResult LoadGenerator::run(bool send, int stop_fd,
                              const std::function<void(const LoadProgress&)>& progress) {
  Scope watch(*shard_);
  if (send && stop_fd >= 0) watch.spawn(watch_stop(*shard_, *this, stop_fd));
  const Duration cpu_before = thread_cpu();
  begin_ = clock_->now();
  schedule_.emplace(settings_.arrivals, settings_.per_second,
                    send ? settings_.duration : Duration::zero(), settings_.seed);
  Instant next_progress = begin_ + kProgressEvery;
  while (true) {
    start_due();
    if (finished()) break;
    note_beat();
    if (progress && clock_->now() >= next_progress) {
      progress({.elapsed = clock_->now() - begin_, .in_flight = in_flight_});
      next_progress += kProgressEvery;
    }
    turn_until(progress ? std::min(next_progress, next_due()) : next_due());
  }
  const LoadResult result{
      .elapsed = clock_->now() - begin_, .cpu = thread_cpu() - cpu_before, .interrupted = stopped_};
  end_.request(Error{.code = Errc::kCancelled});
  watch.spawn(close_all(*shard_, *this));
  turn_until_done(watch);
  return result;
}

void LoadGenerator::start_due() {
  if (stopped_) return skip_due();
  for (int starts = 0; starts < kStartsMax; ++starts) {
    const std::optional<Duration> at = schedule_->next();
    if (!at) return;
    const Instant due = begin_ + *at;
    const Instant now = clock_->now();
    if (due > now) return;
    if (due + settings_.timeout <= now) {
      tally_->note({.end = LoadEnd::kNotSent,
                    .error = {.code = Errc::kTimedOut},
                    .failure = "no connection was free until the request's time was over",
                    .due = due,
                    .ended = due + settings_.timeout});
      schedule_->advance();
      continue;
    }
    if (in_flight_ >= settings_.connections_max) return;
    tally_->note_start(due, last_full_, now);
    ++in_flight_;
    const std::uint64_t number = schedule_->passed();
    schedule_->advance();
    requests_->spawn(ask_and_count(*shard_, *this, number, due));
  }
}

// The run was ended: what was due and not sent is counted, what was not due is not.
void LoadGenerator::skip_due() {
  const Instant now = clock_->now();
  for (auto at = schedule_->next(); at && begin_ + *at <= now; at = schedule_->next()) {
    tally_->note({.end = LoadEnd::kInterrupted,
                  .error = {.code = Errc::kCancelled},
                  .due = begin_ + *at,
                  .ended = now});
    schedule_->advance();
  }
  schedule_.emplace(settings_.arrivals, settings_.per_second, Duration::zero(), settings_.seed);
}

// While all connections are in use no request that is sent tells how late the generator is.
void LoadGenerator::note_beat() {
  if (in_flight_ < settings_.connections_max || !schedule_->next()) {
    beat_ = kNever;
    return;
  }
  const Instant now = clock_->now();
  if (beat_ != kNever && now < beat_) return;
  if (beat_ != kNever) tally_->lag.add(now - beat_);
  beat_ = now + kBeatEvery;
}

bool LoadGenerator::finished() const noexcept { return in_flight_ == 0 && !schedule_->next(); }

// When there is something to do by itself: at the next arrival or, where that must wait for a
// connection anyway, at the next beat.
Instant LoadGenerator::next_due() const noexcept {
  const std::optional<Duration> at = schedule_->next();
  if (!at || in_flight_ >= settings_.connections_max) return beat_;
  return begin_ + *at;
}

// The reactor reckons from its last look at the clock, which may lie a long turn back.
void LoadGenerator::turn_until(Instant at) {
  shard_->turn(at == kNever ? kNever : at - (clock_->now() - shard_->now()));
}

void LoadGenerator::turn_until_done(Scope& scope) {
  while (scope.count() > 0) shard_->turn(kNever);
}

Task<void> LoadGenerator::ask_and_count(Shard& shard, LoadGenerator& self, std::uint64_t number,
                                        Instant due) {
  co_await ask_once(shard, self.run_, number, due, due + self.settings_.timeout);
  if (self.in_flight_ >= self.settings_.connections_max) self.last_full_ = shard.clock().now();
  --self.in_flight_;
}

Task<void> LoadGenerator::watch_stop(Shard& shard, LoadGenerator& self, int stop_fd) {
  const Limits limits{.deadline = kNever, .cancel = &self.end_};
  const Result<std::uint32_t> ready = co_await PollFd(shard, stop_fd, POLLIN, limits);
  if (!ready) co_return;
  self.stopped_ = true;
  self.run_.interrupt.request(Error{.code = Errc::kCancelled});
}

Task<void> LoadGenerator::close_all(Shard& shard, LoadGenerator& self) {
  co_await self.requests_->join();
  co_await UpstreamPools::stop(shard, *self.pools_);
  co_await stop(shard, self.resolver_);
}

}  // namespace sluice
