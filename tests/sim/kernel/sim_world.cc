#include "tests/sim/kernel/sim_world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "engine/net/address.h"
#include "parser/listen_address.h"

namespace sluice {
namespace {

constexpr std::string_view kGateway = "198.51.100.1:9190";
// Every timer of the gateway is over long before.
constexpr Duration kVirtualTimeMax = 1h;

SimFaults draw_faults(Prng& prng) {
  SimFaults faults;
  faults.short_read = static_cast<std::uint32_t>(prng.below(600));
  faults.short_send = static_cast<std::uint32_t>(prng.below(300));
  faults.completion_waits = static_cast<std::uint32_t>(prng.below(600));
  faults.multishot_ends = static_cast<std::uint32_t>(prng.below(200));
  faults.slow_cancel = static_cast<std::uint32_t>(prng.below(1000));
  faults.slow_wake = static_cast<std::uint32_t>(prng.below(1000));
  faults.incremental_buffers = chance(prng, 500);
  faults.buffers = 1u << between(prng, 2, 5);
  faults.buffer_bytes = static_cast<std::uint32_t>(between(prng, 64, 4096));
  if (chance(prng, 250)) faults.socket_bytes_max = 2000;
  if (chance(prng, 400)) faults.calm_peers();
  return faults;
}

}  // namespace

SimWorld::SimWorld(const Options& options)
    : prng_(options.seed),
      faults_(draw_faults(prng_)),
      log_(clock_, options.prints),
      net_(clock_, log_, faults_, prng_.next()),
      kernel_(net_, options.bug),
      sink_(log_),
      control_kernel_(net_) {
  circumstances_.calm = faults_.bad_answer == 0;
  snapshot_ = make_snapshot();
  circumstances_.comment_after = snapshot_->settings.stream_comment_after;
  gateway_.emplace(Shard::Options{.seed = prng_.next(), .spin_max = 0us}, kernel_, clock_,
                   Log(sink_, clock_, LogLevel::kInfo, LogFormat::kText),
                   UpstreamPools::Limits{.idle_max = between(prng_, 5ms, 5000ms),
                                         .age_max = 20s,
                                         .open_max = between(prng_, 1, 4)});
  // One name with two addresses, of which the first has nobody.
  const auto hosts = std::make_shared<const HostsFile>(
      HostsFile::parse("192.0.2.50 both.test\n192.0.2.51 both.test\n"));
  make_dispatcher();
  SL_ASSERT(gateway_->prepare(snapshot_, hosts, *dispatcher_).empty());
  add_clients();
  if (chance(prng_, 250)) {
    drain_at_ = clock_.now() + between(prng_, 0ms, 3000ms);
    circumstances_.cut = true;
  }
  drain_plan_ = {.delay = between(prng_, 0ms, 50ms), .grace = between(prng_, 0ms, 8000ms)};
}

void SimWorld::make_dispatcher() {
  if (chance(prng_, 600)) {
    turns_.join(kernel_);
    turns_.join(control_kernel_);
    control_.emplace(Shard::Options{.index = 1, .seed = prng_.next(), .spin_max = 0us},
                     control_kernel_, clock_,
                     Log(sink_, clock_, LogLevel::kInfo, LogFormat::kText));
  }
  dispatcher_.emplace(control_ ? *control_ : gateway_->shard(), prng_.next());
}

void SimWorld::add_account(Directory& directory, const std::string& host, std::uint64_t number) {
  auto account = std::make_unique<Account>();
  account->name = "account-" + std::to_string(number);
  account->pool = number > 1 && chance(prng_, 400) ? Pool::kFallback : Pool::kPrimary;
  account->endpoint.host = host;
  account->endpoint.port = 80;
  account->endpoint.authority = host;
  account->api_key = Secret("sk-test-" + std::to_string(number));
  account->models.push_back({"sim-model", "native-model"});
  account->rpm_limit = static_cast<std::uint32_t>(scarce_ ? between(prng_, 1, 10) : 100'000);
  account->window = scarce_ ? between(prng_, 500ms, 5s) : 60s;
  account->emergency = chance(prng_, 300);
  if (chance(prng_, 200)) account->bucket = BucketShape::kSteady;
  account->timeouts = {.connect = 2s, .first_byte = 40s, .idle = 30s, .total = 200s};
  directory.accounts.push_back(std::move(account));
}

// Who waits in a calm run waits for as long as it takes; else for less than that.
QueuePolicy SimWorld::draw_queue() {
  QueuePolicy queue;
  constexpr Overflow kOverflows[] = {Overflow::kReject, Overflow::kDropLowest,
                                     Overflow::kPassthrough};
  queue.overflow = kOverflows[prng_.below(std::size(kOverflows))];
  queue.precheck = between(prng_, 0s, 10s);
  if (chance(prng_, 400)) queue.comments = between(prng_, 20ms, 2000ms);
  queue.wait.fill(1000s);
  if (circumstances_.calm) return queue;
  queue.capacity = static_cast<std::uint32_t>(chance(prng_, 500) ? between(prng_, 0, 5) : 500);
  queue.primary_wait = between(prng_, 0s, 15s);
  for (Duration& wait : queue.wait) wait = between(prng_, 0s, chance(prng_, 500) ? 3s : 30s);
  return queue;
}

std::shared_ptr<const Snapshot> SimWorld::make_snapshot() {
  auto directory = std::make_shared<Directory>();
  directory->open = true;
  constexpr Strategy kStrategies[] = {Strategy::kWeighted, Strategy::kRoundRobin,
                                      Strategy::kOrdered};
  directory->routing.strategy = kStrategies[prng_.below(std::size(kStrategies))];
  directory->routing.cooldown = {.base = 500ms, .max = 5s};
  directory->routing.retry_on_timeout = chance(prng_, 500);
  directory->routing.queue = draw_queue();
  if (chance(prng_, 300)) {
    // Some within the time that a good answer takes.
    const Duration after_max = chance(prng_, 700) ? 20ms : 1000ms;
    directory->routing.hedge = {.after = between(prng_, 1ms, after_max),
                                .percent = static_cast<std::uint32_t>(between(prng_, 30, 100))};
    circumstances_.hedges = book_.hedges = true;
  }
  scarce_ = chance(prng_, 400);
  const std::uint64_t count = between(prng_, 1, 4);
  for (std::uint64_t number = 1; number <= count; ++number) {
    const std::string host = number == 2 ? "both.test" : "192.0.2." + std::to_string(number);
    add_account(*directory, host, number);
    const std::string address = number == 2 ? "192.0.2.51:80" : host + ":80";
    providers_.push_back(std::make_unique<SimProvider>(net_, prng_.next(), book_, address));
  }
  finish_directory(*directory, nullptr, clock_.now());
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->directory = std::move(directory);
  snapshot->settings.keep_alive_idle = between(prng_, 20s, 40s);
  snapshot->settings.stream_comment_after = 5s;
  snapshot->settings.client_stall = 20s;
  return snapshot;
}

SimClient::Plan SimWorld::plan_client(std::size_t number) {
  SimClient::Plan plan;
  for (std::uint64_t i = 0, count = between(prng_, 1, 4); i < count; ++i) {
    const std::string id = "c" + std::to_string(number) + "-r" + std::to_string(i);
    exchanges_.push_back(std::make_unique<SimExchange>(prng_.next(), id));
    book_.exchanges[id] = exchanges_.back().get();
    plan.requests.push_back(exchanges_.back().get());
    if (plan.requests.back()->old) break;  // closes the connection after its answer
  }
  plan.pipelined = chance(prng_, 300);
  plan.stays = chance(prng_, 150);
  if (!chance(prng_, faults_.bad_client)) return plan;
  using Then = SimPeer::Then;
  constexpr Then kWays[] = {Then::kClose, Then::kReset, Then::kVanish, Then::kFinish,
                            Then::kStopReading};
  plan.leaves = kWays[prng_.below(std::size(kWays))];
  if (chance(prng_, 500)) plan.leaves_after = between(prng_, 0ms, scarce_ ? 5000ms : 500ms);
  else plan.leaves_after_bytes = prng_.below(5000);
  return plan;
}

void SimWorld::add_clients() {
  const bool burst = chance(prng_, 300);
  const std::uint32_t slow_readers = chance(prng_, 200) ? 900 : 150;
  for (std::size_t number = 0, count = between(prng_, 3, 20); number < count; ++number) {
    clients_.push_back(std::make_unique<SimClient>(net_, prng_.next(), plan_client(number)));
    SimClient& client = *clients_.back();
    if (chance(prng_, slow_readers)) client.reads = {.bytes_max = 200, .gap_max = 20ms};
    if (chance(prng_, 100)) client.writes = {.bytes_max = 100, .gap_max = 1ms};
    client.start(std::string(kGateway), between(prng_, 0ms, burst ? 5ms : 2000ms));
  }
}

// Drains when all clients are done, or in the middle of it.
void SimWorld::watch_clients() {
  constexpr Duration kLookAround = 100ms;
  const auto done = [](const auto& client) { return client->finished(); };
  if (std::all_of(clients_.begin(), clients_.end(), done) || clock_.now() >= drain_at_) {
    begin_drain();
    return;
  }
  net_.after(std::min(kLookAround, std::max(drain_at_ - clock_.now(), Duration(1us))),
             [this] { watch_clients(); });
}

// No receive may wait for a buffer for long: what a slow reader does not take is copied out after
// some milliseconds (INVARIANTS B1), and then the receive must go on.
void SimWorld::watch_shard() {
  constexpr Duration kLookAround = 25ms;
  constexpr Duration kLong = 200ms;
  waiters_max_ = std::max(waiters_max_, dispatcher_->queue().depth());
  if (gateway_->shard().starved_count() == 0) starved_since_ = kNever;
  else starved_since_ = std::min(starved_since_, clock_.now());
  if (starved_since_ != kNever && clock_.now() - starved_since_ > kLong) {
    book_.findings.push_back("a receive waited for a buffer for too long");
    return;
  }
  net_.after(kLookAround, [this] { watch_shard(); });
}

void SimWorld::begin_drain() {
  log_.note("drain");
  gateway_->shard().post(gateway_->shard(), drain_);
  kernel_.wake(kernel_);  // an event is no turn of the shard's
}

// With a control shard: two threads, one of which runs at a time.
void SimWorld::run_shards() {
  if (!control_) {
    gateway_->run();
    return;
  }
  std::thread control([this] {
    turns_.wait_for_first_turn(control_kernel_);
    control_->run();
    turns_.leave(control_kernel_);
  });
  gateway_->run();
  StopControl stop;
  gateway_->shard().post(*control_, stop);
  turns_.leave(kernel_);
  control.join();
}

SimOutcome SimWorld::run() {
  const auto address = parse_listen_address(kGateway);
  SL_ASSERT(address && gateway_->listen(socket_address(address->ips()[0], address->port)));
  watch_clients();
  watch_shard();
  net_.after(kVirtualTimeMax, [] {
    std::fprintf(stderr, "sim: still running after an hour\n");
    std::abort();
  });
  run_shards();
  SimOutcome outcome;
  judge(outcome);
  return outcome;
}

// Nobody wants anything of an account any more, its permits have all come back, and its provider
// was never asked more often than it allows.
void SimWorld::judge_accounts() {
  SimFindings& findings = book_.findings;
  const RoutingPolicy& routing = snapshot_->directory->routing;
  for (std::size_t i = 0; i < snapshot_->directory->accounts.size(); ++i) {
    const Account& account = *snapshot_->directory->accounts[i];
    const Instant later = clock_.now() + account.window + routing.guard + routing.cooldown.max +
                          routing.breaker.open_max;
    if (!account.state->at_rest(later))
      findings.push_back("permits of " + account.name + " were lost");
    if (account.state->wanted().by_anybody()) findings.push_back(account.name + " is still wanted");
    const bool rolling = account.bucket == BucketShape::kRolling;
    if (rolling && providers_[i]->was_asked_too_often(account.rpm_limit, account.window))
      findings.push_back(account.name + " was asked too often");
  }
}

void SimWorld::judge(SimOutcome& outcome) {
  SimFindings& findings = book_.findings;
  for (const auto& client : clients_) judge_client(*client, circumstances_, findings);
  Shard& shard = gateway_->shard();
  outcome.hedges = gateway_->figures().metrics->hedges;
  outcome.starved = shard.counters().starved;
  outcome.copied_bytes = shard.counters().copied_bytes;
  outcome.kernel = kernel_.counters();
  const auto none = [&findings](std::size_t count, const char* what) {
    if (count > 0) findings.push_back(std::to_string(count) + " " + what + " left");
  };
  none(shard.frames().frames_in_use(), "frames");
  none(kernel_.in_flight(), "operations");
  none(kernel_.open_descriptors(), "descriptors");
  none(kernel_.buffers_total() - kernel_.buffers_free(), "receive buffers");
  none(dispatcher_->queue().depth(), "waiters");
  judge_accounts();
  outcome.waiters_max = waiters_max_;
  dispatcher_.reset();
  gateway_.reset();
  outcome.hash = log_.hash();
  outcome.events = log_.events();
  outcome.exchanges = exchanges_.size();
  for (const auto& exchange : exchanges_) outcome.answered_well += exchange->good_said ? 1 : 0;
  outcome.findings = findings;
}

}  // namespace sluice
