#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/uring_kernel.h"
#include "engine/shard.h"
#include "tls/context.h"
#include "tools/mock/provider_state.h"

namespace sluice {

// StopFlag - an eventfd by which any thread tells a shard to end.
class StopFlag {
 public:
  StopFlag();
  ~StopFlag();
  StopFlag(const StopFlag&) = delete;
  StopFlag& operator=(const StopFlag&) = delete;

  void raise() noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

// MockShard - the parts of one thread of the provider.
//
// Owns      the ring, the listening sockets.
// Affinity  opened and run by one and the same thread: a ring belongs to the thread that made it.
struct MockShard {
  // Nothing, or what failed. With port 0 one is chosen, the same for all, and written back.
  // Addresses of a family that this machine does not have are taken out, but for the first.
  [[nodiscard]] std::optional<std::string> open(std::vector<SocketAddress>& addresses);
  // Serves until `stop` is raised.
  void run(std::uint32_t index, ProviderState& state, const ServerTlsContext* tls,
           const StopFlag& stop);

  UringKernel kernel;
  std::vector<int> listeners;
};

}  // namespace sluice
