#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/assert.h"
#include "base/clock.h"
#include "engine/route/demand.h"
#include "engine/route/rolling_bucket.h"
#include "engine/route/running_mean.h"
#include "engine/route/token_window.h"

namespace sluice {

// ClientLimits - what one client key may use: per minute, and at once. 0: no limit.
struct ClientLimits {
  std::uint32_t requests = 0;
  std::uint32_t tokens = 0;
  std::uint32_t concurrent = 0;

  [[nodiscard]] bool any() const noexcept { return requests + tokens + concurrent > 0; }
  friend bool operator==(const ClientLimits&, const ClientLimits&) = default;
};

// ClientVerdict - whether a client's request may go on; if not, which limit is in the way, and when
// to ask again.
struct ClientVerdict {
  enum class Kind : std::uint8_t { kAdmitted, kRequests, kTokens, kConcurrent };
  Kind kind = Kind::kAdmitted;
  Instant at{};
};

// ClientState - what all shards know of one client key with limits: its requests and tokens of the
// last minute, and what is in flight. One object for the life of the key, as AccountState is for
// an account: a reload gives nobody a second helping.
//
// A request counts when it is admitted, whatever becomes of it; its tokens are reserved then and
// settled with what was used.
//
// Owns      the bucket's memory, and the window for tokens once there was such a limit.
// Affinity  any thread, lock-free; set_limits() the thread that publishes directories.
// Size      64 bytes, 8 to 16 for each request of the limit, 576 for tokens.
class alignas(64) ClientState {
 public:
  static constexpr Duration kWindow = 60s;

  explicit ClientState(const ClientLimits& limits);
  ~ClientState();
  ClientState(const ClientState&) = delete;
  ClientState& operator=(const ClientState&) = delete;

  // All that a request needs, or nothing. `reserved` is for finish(), which is called once for each
  // request that was admitted.
  [[nodiscard]] ClientVerdict admit(const Demand& demand, Instant now,
                                    TokenReservation& reserved) noexcept;
  void finish(const TokenReservation& reserved, const TokensUsed& used, Instant now) noexcept;

  // What requests of an earlier process used, at instants of the last window: it counts as if this
  // one had admitted them, whatever the limits say. Before any request is admitted; requests in the
  // order of time, and the latest requests_max() of them, because more make no difference.
  void remember_request(Instant at) noexcept;
  void remember_tokens(std::uint64_t tokens, Instant at) noexcept;
  [[nodiscard]] std::uint32_t requests_max() const noexcept { return requests_.limit(); }

  // What is left of a limit, and how long until all of it is there again.
  struct Left {
    std::uint64_t limit = 0;  // 0: there is none
    std::uint64_t remaining = 0;
    Duration reset{};
  };
  [[nodiscard]] Left requests_left(Instant now) noexcept;
  [[nodiscard]] Left tokens_left(Instant now) noexcept;
  [[nodiscard]] std::uint32_t in_flight() const noexcept {
    return in_flight_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t concurrent_limit() const noexcept {
    return concurrent_.load(std::memory_order_relaxed);
  }

  void set_limits(const ClientLimits& limits);
  // Nothing here that a new state would not have as well.
  [[nodiscard]] bool at_rest(Instant now) noexcept;

 private:
  [[nodiscard]] TokenWindow* tokens() const noexcept {
    return tokens_.load(std::memory_order_acquire);
  }
  [[nodiscard]] bool enter() noexcept;
  [[nodiscard]] Duration whole_after(Duration window, Instant now) const noexcept;

  RollingBucket requests_;
  std::atomic<std::uint32_t> in_flight_{0};
  std::atomic<std::uint32_t> concurrent_;
  std::atomic<TokenWindow*> tokens_{nullptr};
  RunningMean completion_tokens_;
  std::atomic<Instant::rep> last_at_{0};  // when a request was admitted last
};
static_assert(sizeof(ClientState) == 64);

// ClientPass - a request's stay within the limits of its client. Over before it dies.
//
// Owns      a place among the client's requests in flight and the tokens reserved for it.
class ClientPass {
 public:
  ClientPass() = default;
  ClientPass(const ClientPass&) = delete;
  ClientPass& operator=(const ClientPass&) = delete;
  ~ClientPass() { SL_ASSERT(state_ == nullptr); }

  [[nodiscard]] ClientVerdict enter(ClientState& state, const Demand& demand,
                                    Instant now) noexcept {
    const ClientVerdict verdict = state.admit(demand, now, reserved_);
    refused_ = verdict.kind != ClientVerdict::Kind::kAdmitted;
    if (!refused_) state_ = &state;
    return verdict;
  }
  void leave(const TokensUsed& used, Instant now) noexcept {
    if (state_ != nullptr) state_->finish(reserved_, used, now);
    state_ = nullptr;
  }
  // Something else than the state's limits is in the way: the budget.
  void refuse() noexcept { refused_ = true; }
  // enter() found a limit in the way, or refuse() was called.
  [[nodiscard]] bool refused() const noexcept { return refused_; }
  [[nodiscard]] std::uint32_t tokens_reserved() const noexcept { return reserved_.units; }

 private:
  ClientState* state_ = nullptr;
  bool refused_ = false;
  TokenReservation reserved_;
};

}  // namespace sluice
