#include "engine/server.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>

#include "engine/build_snapshot.h"
#include "engine/config/check.h"
#include "engine/config/load.h"
#include "engine/descriptors.h"
#include "engine/io/operations.h"
#include "engine/net/address.h"
#include "engine/net/port_probe.h"
#include "tls/random.h"

namespace sluice {
namespace {

std::string io_uring_setting() {
  std::ifstream file("/proc/sys/kernel/io_uring_disabled");
  std::string text;
  std::getline(file, text);
  return text;
}

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
  return set;
}

// Each client may have one connection to a provider.
UpstreamPools::Limits pool_limits(const Config& config, std::size_t clients_max) {
  return UpstreamPools::Limits{.idle_max = config.timeouts.pooled_idle,
                               .age_max = config.timeouts.pooled_age,
                               .open_max = clients_max};
}

// Says when the descriptors that this process may have are too few for its connections: a warning
// when somebody asked for so many, a fact to know when it is our default.
void report_descriptors(const Log& log, const DescriptorPlan& plan, const Config& config) {
  if (plan.enough()) return;
  const bool wanted = config.origin_of("limits.connections_max").kind != Place::Kind::kDefault;
  LogLine(log, wanted ? LogLevel::kWarning : LogLevel::kInfo,
          "too few file descriptors for limits.connections_max: clients above "
          "clients_per_shard_max are refused; raise LimitNOFILE of the systemd unit, or ulimit -n, "
          "to what is needed")
      .field("limit", static_cast<std::int64_t>(plan.limit))
      .field("needed", static_cast<std::int64_t>(plan.needed))
      .field("clients_per_shard_max", static_cast<std::int64_t>(plan.clients_per_shard_max));
}

Shard::Options shard_options(std::uint32_t index) {
  return Shard::Options{.index = index, .seed = random_seed()};
}

}  // namespace

Server::Server(const Config& config)
    : config_(&config),
      cpus_(config.shards),
      log_writer_(STDERR_FILENO, config.log.format, clock_),
      control_(shard_options(config.shards), control_kernel_, clock_,
               Log(log_writer_.add_producer(), clock_, config.log.level, config.log.format)),
      dispatcher_(control_, random_seed()) {}

Server::~Server() { join_threads(); }

void Server::block_signals() {
  const sigset_t signals = watched_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a client that has gone is an error of a send, no reason to die
  signal(SIGXFSZ, SIG_IGN);  // a file at RLIMIT_FSIZE is to the store a disk that is full
}

std::expected<void, StartFailure> Server::start() {
  block_signals();  // before there are threads
  if (auto opened = open_store(); !opened) return opened;
  if (auto checked = check_entries(); !checked) return checked;
  const std::shared_ptr<const Config> in_force = config_in_force();
  auto snapshot = build_snapshot(*in_force, stored_.get(), nullptr);
  if (!snapshot) return std::unexpected(StartFailure{EX_CONFIG, snapshot.error().text()});
  snapshot_ = std::move(*snapshot);
  if (auto remembered = remember_spent(); !remembered) return remembered;
  auto hosts_file = HostsFile::read();
  if (!hosts_file) return std::unexpected(StartFailure{EX_OSERR, hosts_file.error() + "\n"});
  hosts_ = std::make_shared<const HostsFile>(std::move(*hosts_file));
  descriptor_limit_ = raise_descriptor_limit();
  const DescriptorPlan descriptors =
      plan_descriptors(descriptor_limit_, config_->shards, in_force->limits.connections_max);
  report_descriptors(control_.log(), descriptors, *in_force);
  for (std::uint32_t i = 0; i < config_->shards; ++i) {
    const Log log(log_writer_.add_producer(), clock_, in_force->log.level, config_->log.format);
    kernels_.push_back(std::make_unique<UringKernel>());
    shards_.push_back(
        std::make_unique<GatewayShard>(shard_options(i), *kernels_.back(), clock_, log,
                                       pool_limits(*config_, descriptors.clients_per_shard_max)));
    const std::string failed = shards_.back()->prepare(snapshot_, hosts_, dispatcher_);
    if (!failed.empty()) {
      return std::unexpected(StartFailure{EX_OSERR, failed + "\n"});
    }
    if (store_ != nullptr) shards_.back()->record_to(store_->writer(i));
    shards_.back()->limit_clients(descriptors.clients_per_shard_max);
  }
  limit_keeper_.watch(snapshot_->directory);
  started_at_ = clock_.now();
  in_force_ = snapshot_;
  queue_watch_.start();
  if (auto opened = open_admin(); !opened) return opened;
  if (auto opened = open_listeners(); !opened) return opened;
  if (auto opened = open_admin_listeners(); !opened) return opened;
  return start_threads();
}

std::expected<void, StartFailure> Server::open_listeners() {
  for (const ListenAddress& wanted : config_->listen) {
    if (const auto taken = taken_port(wanted))
      return std::unexpected(StartFailure{EX_OSERR, *taken + "\n"});
  }
  for (const ListenAddress& wanted : config_->listen) {
    for (const IpAddress& ip : wanted.ips()) {
      SocketAddress address = socket_address(ip, wanted.port);
      const Error error = open_on_all_shards(address);
      if (error.code == Errc::kOk) {
        urls_.push_back((config_->tls.empty() ? "http://" : "https://") + address_text(address));
        continue;
      }
      if (&ip != wanted.ips().data() && lacks_family(error)) continue;
      return std::unexpected(StartFailure{EX_OSERR, "cannot listen on " + address_text(address) +
                                                        ": " + std::strerror(error.os_errno) +
                                                        "\n"});
    }
  }
  return {};
}

// One listener per shard on one port: the first may get it from the kernel, the others share it.
Error Server::open_on_all_shards(SocketAddress& address) {
  for (const auto& shard : shards_) {
    const Result<SocketAddress> got = shard->listen(address);
    if (!got) return got.error();
    address = *got;
  }
  return Error{};
}

std::expected<void, StartFailure> Server::start_threads() {
  shards_running_.store(static_cast<std::uint32_t>(shards_.size()));
  StartGate& gate = gate_.emplace(shards_.size());
  gate.failed.store(control_kernel_.open(UringKernel::Options::small()));
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    threads_.emplace_back([this, i, &gate] {
      cpus_.bind_shard(i);
      const std::string name = "sluice-shard" + std::to_string(i);  // at most 15 bytes are kept
      pthread_setname_np(pthread_self(), name.c_str());
      const int result = kernels_[i]->open(UringKernel::Options{});
      if (result != 0) gate.failed.store(result);
      gate.opened.count_down();
      gate.decided.wait();
      if (gate.failed.load() == 0) shards_[i]->run();
      shards_running_.fetch_sub(1, std::memory_order_release);
    });
  }
  gate.opened.wait();
  if (gate.failed.load() == 0) gate.failed.store(admin_->start());
  const int os_errno = gate.failed.load();
  gate.decided.count_down();
  if (os_errno == 0) {
    if (store_ != nullptr) store_->start();
    open_admin_socket();
    return {};
  }
  join_threads();
  return std::unexpected(
      StartFailure{EX_UNAVAILABLE, uring_refusal(os_errno, io_uring_setting()) + "\n"});
}

void Server::join_threads() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

int Server::run() {
  const sigset_t signals = watched_signals();
  const int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  SL_ASSERT(signal_fd >= 0);
  LogLine(control_.log(), LogLevel::kInfo, "serving")
      .field("url", urls_.front())
      .field("shards", static_cast<std::int64_t>(shards_.size()))
      .field("accounts", static_cast<std::int64_t>(snapshot_->directory->accounts.size()))
      .field("kernel", kernels_.front()->features());
  Scope scope(control_);
  scope.spawn(watch_signals(control_, *this, signal_fd));
  control_.run();
  join_threads();
  admin_->stop();
  admin_socket_.reset();
  const std::uint64_t lost = store_ != nullptr ? store_->stop() : 0;
  close(signal_fd);
  LogLine(control_.log(), LogLevel::kInfo, "stopped");
  return lost == 0 ? EX_OK : EX_IOERR;
}

// The hosts file as it is now; the one of before when it cannot be read, with a line in the log.
// Blocks for a moment, which the control shard may.
std::shared_ptr<const HostsFile> Server::read_hosts() {
  auto read = HostsFile::read();
  if (read) return std::make_shared<const HostsFile>(std::move(*read));
  LogLine(control_.log(), LogLevel::kError, "hosts file not read, the one of before stays")
      .field("error", read.error());
  return hosts_;
}

template <class Do>
struct Server::ErrandOf final : Errand {
  ErrandOf(GatewayShard& shard, const Do& what)
      : Errand(&ErrandOf::read), shard(&shard), what(what) {}
  static void read(Shard&, Letter& letter) {
    ErrandOf& self = static_cast<ErrandOf&>(letter);
    (*self.what)(*self.shard);
    self.what.reset();  // it may hold a snapshot
    self.done.store(true, std::memory_order_release);
  }
  GatewayShard* shard;
  std::optional<Do> what;
};

// Has every shard do `what`, on its own thread.
template <class Do>
void Server::tell_all(const Do& what) {
  std::erase_if(errands_,
                [](const auto& errand) { return errand->done.load(std::memory_order_acquire); });
  for (const auto& shard : shards_) {
    errands_.push_back(std::make_unique<ErrandOf<Do>>(*shard, what));
    control_.post(shard->shard(), *errands_.back());
  }
}

// What a reload would take, or why it cannot. Nothing of it is in force yet.
std::expected<Server::Loaded, ConfigErrors> Server::load_anew() {
  auto config = reload_config(*config_, ProcessEnvironment(), settings());
  if (!config) return std::unexpected(std::move(config.error()));
  const auto stored = stored_entries();
  if (store_ != nullptr) {  // without one the configuration alone has decided it
    std::string unguarded = why_unguarded(*config, stored != nullptr && stored->guarded);
    if (!unguarded.empty())
      return std::unexpected(
          ConfigErrors{{{config->origin_of("listen"), std::move(unguarded)}}, {}});
  }
  auto built = build_snapshot(*config, stored.get(), snapshot_->directory.get());
  if (!built) return std::unexpected(std::move(built.error()));
  return Loaded{std::move(*config), std::move(*built)};
}

void Server::reload() {
  auto loaded = load_anew();
  if (!loaded) {
    LogLine(control_.log(), LogLevel::kError, "reload refused, nothing has changed")
        .field("error", loaded.error().text());
    return note_reload(std::move(loaded.error()));
  }
  Config& config = loaded->config;
  report_descriptors(
      control_.log(),
      plan_descriptors(descriptor_limit_, shards_.size(), config.limits.connections_max), config);
  hosts_ = read_hosts();
  publish(config, std::move(loaded->snapshot));
  if (store_ != nullptr) store_->keep_requests(config.store.keep_requests);
  room_->access().set_doors(doors_of(config));
  control_.set_log_level(config.log.level);
  LogLine(control_.log(), LogLevel::kInfo, "reloaded")
      .field("accounts", static_cast<std::int64_t>(snapshot_->directory->accounts.size()))
      .field("warnings", warnings_text(config.warnings));
  report_left_out(config);
  {
    const std::lock_guard lock(stored_mutex_);
    reloaded_ = std::make_shared<const Config>(std::move(config));
  }
  note_reload({});
}

void Server::publish(const Config& config, std::shared_ptr<const Snapshot> next) {
  snapshot_ = std::move(next);
  limit_keeper_.watch(snapshot_->directory);
  if (store_ != nullptr) static_cast<void>(store_->watch(snapshot_->directory));
  const Publication publication{snapshot_, hosts_, config.log.level};
  tell_all([this, publication](GatewayShard& shard) {
    shard.publish(publication);
    taken_.fetch_add(1, std::memory_order_release);
  });
  dispatcher_.nudge(control_);  // there may be more than before
  {
    const std::lock_guard lock(stored_mutex_);
    in_force_ = snapshot_;
    ++published_;
  }
  news_.notify_all();
}

void Server::drain() {
  const DrainPlan plan{.delay = config_->drain.delay, .grace = config_->drain.grace};
  tell_all([plan](GatewayShard& shard) { shard.begin_drain(plan); });
}

void Server::cut() {
  tell_all([](GatewayShard& shard) { shard.cut_now(); });
}

Task<void> Server::watch_signals(Shard& control, Server& self, int signal_fd) {
  constexpr Duration kLookAround = 20ms;  // while draining: whether the shards have ended
  bool draining = false;
  while (self.shards_running_.load(std::memory_order_acquire) > 0) {
    const Limits limits{.deadline = draining ? control.now() + kLookAround : kNever};
    const Result<std::uint32_t> ready = co_await PollFd(control, signal_fd, POLLIN, limits);
    signalfd_siginfo info{};
    if (!ready || read(signal_fd, &info, sizeof(info)) != sizeof(info)) continue;
    const char* const name = strsignal(static_cast<int>(info.ssi_signo));
    if (info.ssi_signo == SIGHUP) {
      self.reload();
    } else if (info.ssi_signo == SIGUSR1) {
      self.take_stored();
    } else if (!draining) {
      draining = true;
      self.draining_.store(true, std::memory_order_relaxed);
      self.admin_->begin_drain(self.config_->drain.delay);
      LogLine(control.log(), LogLevel::kInfo, "draining").field("signal", name);
      self.drain();
    } else {
      LogLine(control.log(), LogLevel::kWarning, "cutting what still runs").field("signal", name);
      self.cut();
    }
  }
  control.stop();
}

}  // namespace sluice
