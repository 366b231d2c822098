#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>

#include "engine/gateway_shard.h"
#include "engine/io/uring_kernel.h"
#include "engine/log_writer.h"

namespace sluice {

// RunningGateway - one shard of the gateway on a thread of its own, and a small control shard to
// tell it to drain. For tests that look at the shard from inside the process.
//
// Owns      thread, rings, sockets.
// Affinity  the thread that made it.
class RunningGateway {
 public:
  // `yaml` is a whole configuration; `on_thread` runs first on the shard's thread. Failures are
  // reported to GoogleTest, and port() is 0 then.
  explicit RunningGateway(
      std::string_view yaml, std::function<void()> on_thread = [] {});
  // Drains.
  ~RunningGateway();
  RunningGateway(const RunningGateway&) = delete;
  RunningGateway& operator=(const RunningGateway&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  // Brings the shard another hosts file, as a reload does; has arrived when this returns.
  void publish_hosts(std::string_view hosts_file);

 private:
  [[nodiscard]] bool prepare(std::string_view yaml);

  int log_fd_;  // lines are written, and nobody reads them
  SystemClock clock_;
  LogWriter log_writer_;
  UringKernel control_kernel_;
  Shard control_;
  UringKernel gateway_kernel_;
  std::optional<Dispatcher> dispatcher_;
  std::optional<GatewayShard> gateway_;
  std::thread thread_;
  std::uint16_t port_ = 0;
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace sluice
