#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "engine/route/ladder.h"
#include "engine/route/wait_queue.h"
#include "engine/simulate/provider.h"
#include "engine/simulate/traffic.h"

namespace sluice {

class Simulation;

// How a simulated request ended.
enum class SimEnding : std::uint8_t {
  kServed,
  kQueueFull,
  kQueueTimeout,
  kNothingFree,      // 503 all_pools_exhausted, no provider was asked
  kRateLimited,      // the last provider's 429
  kProviderFailed,   // the last provider's error, or none was reached
  kProviderTimeout,  // 504
  kUnknownModel,
  kClientGone,
};
inline constexpr std::size_t kSimEndings = 9;

// What the shards' coroutines keep of a request on its way (proxy/serve_request.cc), as data: the
// simulation goes on with it from event to event.
struct SimRequest {
  enum class Stage : std::uint8_t { kFree, kAtLadder, kWaiting, kConnecting, kSending, kAwaiting };

  // SimTicket - its place in the queue (proxy/dispatcher.cc, Ticket).
  struct Ticket final : Waiter {
    Ticket(Simulation& simulation, SimRequest& request, const Choice& advice) noexcept
        : Waiter(*request.ladder, advice), simulation(simulation), request(request) {}
    void on_end() noexcept override;

    Simulation& simulation;
    SimRequest& request;
    bool at_dispatcher = false;  // the queue has it
    bool leaving = false;        // it was called back
  };

  std::uint64_t id = 0;
  std::uint32_t slot = 0;
  std::uint32_t shard = 0;
  DrawnRequest demand;
  Instant arrived{};
  std::shared_ptr<const Directory> directory;  // the one it began with
  std::optional<Ladder> ladder;
  std::optional<Ticket> ticket;

  Stage stage = Stage::kFree;
  bool gone = false;        // the client has left
  std::uint32_t stamp = 0;  // of its present step: events of an earlier one are void
  std::uint32_t life = 0;   // of its use of this place
  std::uint32_t attempts = 0;
  std::uint32_t waits = 0;
  Duration queued{};  // in all waits
  Instant wait_began{};

  // The present try.
  Choice choice;
  const Account* account = nullptr;
  std::uint32_t provider = 0;
  bool seen_early = false;  // the provider counts it when its first byte comes, not the last
  Instant last_byte_at{};
  std::optional<Reply> reply;

  // Of the last try that a provider has answered.
  std::optional<Reply::Kind> last_reply;

  [[nodiscard]] Priority priority() const noexcept { return demand.priority; }
};

}  // namespace sluice
