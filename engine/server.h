#pragma once

#include <atomic>
#include <condition_variable>
#include <expected>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "admin/admin_socket.h"
#include "admin/admin_thread.h"
#include "admin/gateway.h"
#include "base/start_failure.h"
#include "engine/config/build_directory.h"
#include "engine/cpu_plan.h"
#include "engine/gateway_shard.h"
#include "engine/io/uring_kernel.h"
#include "engine/log_writer.h"
#include "engine/proxy/limit_keeper.h"
#include "engine/store_thread.h"

namespace sluice {

// Server - the whole gateway in one process: a shard per core on threads of their own, and a
// control shard on the thread that calls run(): signals, reload, drain.
//
// Owns      everything. Affinity: the starting thread.
class Server final : private Gateway {
 public:
  explicit Server(const Config& config);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Blocks SIGTERM, SIGINT and SIGHUP for this thread and those that it starts: run() waits for
  // them. start() does it too; for those who start threads of their own before.
  static void block_signals();

  // Opens listeners and rings and starts the shards.
  [[nodiscard]] std::expected<void, StartFailure> start();

  // What the listeners got, as URLs: "http://127.0.0.1:9190".
  [[nodiscard]] const std::vector<std::string>& urls() const noexcept { return urls_; }

  // Serves until SIGTERM or SIGINT, then drains; a second one cuts what still runs. SIGHUP reads
  // the configuration and the hosts file again; what is wrong is reported and changes nothing.
  // SIGUSR1 takes what has changed in the store.
  // Returns the exit code: EX_OK, or EX_IOERR when records of usage are lost with this process.
  [[nodiscard]] int run();

 private:
  [[nodiscard]] std::expected<void, StartFailure> open_listeners();
  [[nodiscard]] Error open_on_all_shards(SocketAddress& address);
  [[nodiscard]] std::expected<void, StartFailure> start_threads();
  static Task<void> watch_signals(Shard& control, Server& self, int signal_fd);
  template <class Do>
  void tell_all(const Do& what);
  struct Loaded {
    Config config;
    std::shared_ptr<const Snapshot> snapshot;
  };
  [[nodiscard]] std::expected<Loaded, ConfigErrors> load_anew();
  void reload();
  [[nodiscard]] std::shared_ptr<const HostsFile> read_hosts();
  void drain();
  void cut();
  void join_threads();
  void note_reload(ConfigErrors refusal);

  // Gateway, for the administrator's jobs.
  std::shared_ptr<const Directory> directory() override;
  std::shared_ptr<const Snapshot> snapshot() override;
  std::shared_ptr<const Config> config() override { return config_in_force(); }
  StoreEnvironment* store() override;
  void write_store(const std::function<void(Writer& writer)>& job) override {
    static_cast<void>(store_->run_job(job));  // what is not on the disk yet will be
  }
  AdminAnswer change(const AdminCall& call) override;
  std::expected<void, ConfigErrors> reload_now() override;
  void drain_now() override;
  bool draining() override { return draining_.load(std::memory_order_relaxed); }
  std::vector<ShardFigures> shards() override;
  std::vector<const DecisionLog*> decisions() override;
  std::optional<StoreNumbers> store_numbers() override;
  Dispatcher& dispatcher() override { return dispatcher_; }
  std::shared_ptr<const QueueSummary> queue() override { return queue_watch_.summary(); }
  Clock& clock() override { return clock_; }
  Instant started_at() override { return started_at_; }

  [[nodiscard]] std::expected<void, StartFailure> open_admin();
  [[nodiscard]] std::expected<void, StartFailure> open_admin_listeners();
  [[nodiscard]] std::expected<void, StartFailure> open_store();
  [[nodiscard]] std::expected<void, StartFailure> open_keys();
  [[nodiscard]] std::expected<void, StartFailure> check_entries();
  [[nodiscard]] std::expected<void, StartFailure> remember_spent();
  void open_admin_socket();
  [[nodiscard]] std::shared_ptr<const StoredEntries> stored_entries();
  [[nodiscard]] std::shared_ptr<const Config> config_in_force();
  void report_left_out(const Config& config);
  void publish(const Config& config, std::shared_ptr<const Snapshot> next);
  void take_stored();
  void await_shards();
  void take_settings();
  [[nodiscard]] std::vector<SettingText> settings();

  // A letter that asks a shard to do something; a shard that has ended does not read it.
  struct Errand : Letter {
    using Letter::Letter;
    virtual ~Errand() = default;
    std::atomic<bool> done{false};
  };
  template <class Do>
  struct ErrandOf;

  // Where the shards' threads and the main thread meet before the first request. Lives as long as
  // the threads: a latch may be looked at after the last wait() of another thread has returned.
  struct StartGate {
    explicit StartGate(std::size_t shards) : opened(static_cast<std::ptrdiff_t>(shards)) {}
    std::latch opened;      // every shard has its ring, or failed to get one
    std::latch decided{1};  // the main thread has looked at `failed`
    std::atomic<int> failed{0};
  };

  const Config* config_;
  const CpuPlan cpus_;  // before what starts a thread
  SystemClock clock_;
  LogWriter log_writer_;
  std::vector<std::unique_ptr<Errand>> errands_;  // those that may lie with a shard
  std::atomic<bool> draining_{false};
  Instant started_at_{};
  std::optional<KeyRing> keys_;  // the store's thread's, once that runs
  std::mutex stored_mutex_;
  std::shared_ptr<const StoredEntries> stored_;  // as of the last change; under stored_mutex_
  std::vector<SettingText> settings_;  // of the store, as of the last change; under stored_mutex_
  bool settings_due_ = false;          // they have changed since the configuration was loaded
  // With these, or since a reload; under stored_mutex_, as:
  std::shared_ptr<const Config> reloaded_;
  std::shared_ptr<const Snapshot> in_force_;  // snapshot_
  std::uint64_t published_ = 0;               // directories
  std::uint64_t reloads_ = 0;
  std::atomic<std::uint64_t> taken_{0};  // of these directories, by each shard
  ConfigErrors reload_refusal_;          // of the last one; no errors: it was taken
  std::condition_variable news_;         // of any of these
  std::unique_ptr<AdminSocket> admin_socket_;
  std::optional<ControlRoom> room_;
  std::unique_ptr<StoreThread> store_;                 // null: nothing is recorded
  std::vector<std::unique_ptr<UringKernel>> kernels_;  // one for each shard
  std::vector<std::unique_ptr<GatewayShard>> shards_;
  std::optional<StartGate> gate_;
  std::vector<std::thread> threads_;
  std::atomic<std::uint32_t> shards_running_{0};
  std::vector<std::string> urls_;
  std::uint64_t descriptor_limit_ = 0;
  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const HostsFile> hosts_;
  UringKernel control_kernel_;
  Shard control_;
  Dispatcher dispatcher_;
  LimitKeeper limit_keeper_{control_, dispatcher_};
  QueueWatch queue_watch_{dispatcher_};
  std::unique_ptr<AdminThread> admin_;  // dies first: it knows all of this
};

}  // namespace sluice
