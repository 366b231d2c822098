#pragma once

#include <atomic>
#include <expected>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "admin/admin_socket.h"
#include "base/start_failure.h"
#include "engine/config/build_directory.h"
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
class Server {
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
  void run();

 private:
  [[nodiscard]] std::expected<void, StartFailure> open_listeners();
  [[nodiscard]] Error open_on_all_shards(SocketAddress& address);
  [[nodiscard]] std::expected<void, StartFailure> start_threads();
  static Task<void> watch_signals(Shard& control, Server& self, int signal_fd);
  template <class Do>
  void tell_all(const Do& what);
  void reload();
  [[nodiscard]] std::shared_ptr<const HostsFile> read_hosts();
  void drain();
  void cut();
  void join_threads();
  [[nodiscard]] std::expected<void, StartFailure> open_store();
  [[nodiscard]] std::expected<void, StartFailure> check_entries() const;
  [[nodiscard]] std::expected<void, StartFailure> remember_spent();
  void open_admin_socket();
  [[nodiscard]] AdminAnswer answer_call(const AdminCall& call);
  [[nodiscard]] std::shared_ptr<const StoredEntries> stored_entries();
  void publish(const Config& config, std::shared_ptr<const Snapshot> next);
  void take_stored();

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
  SystemClock clock_;
  LogWriter log_writer_;
  std::vector<std::unique_ptr<Errand>> errands_;  // those that may lie with a shard
  std::unique_ptr<const Config> reloaded_;        // in force since a reload; null: config_
  std::optional<KeyRing> keys_;                   // the store's thread's, once that runs
  std::mutex stored_mutex_;
  std::shared_ptr<const StoredEntries> stored_;  // as of the last change
  std::unique_ptr<AdminSocket> admin_socket_;
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
};

}  // namespace sluice
