#pragma once

#include <memory>
#include <optional>
#include <string>

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
// Owns      the ring, the listening socket.
// Affinity  opened and run by one and the same thread: a ring belongs to the thread that made it.
struct MockShard {
  // Nothing, or what failed. `address`: with port 0 the port is chosen and written back.
  [[nodiscard]] std::optional<std::string> open(SocketAddress& address);
  // Serves until `stop` is raised.
  void run(std::uint32_t index, ProviderState& state, const ServerTlsContext* tls,
           const StopFlag& stop);

  UringKernel kernel;
  int listener = -1;
};

}  // namespace sluice
