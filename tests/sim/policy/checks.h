#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/simulate/simulation.h"

namespace sluice::test {

// What must always hold. The names stand in reports.
enum class Check : std::uint8_t {
  kAnsweredOnce,    // every request is answered exactly once
  kPermitOnce,      // R1: a permit is taken before the first byte and settled exactly once
  kPermitsKept,     // no permit is lost or doubled: after the storm each bucket holds its limit
  kAccountLimit,    // no account above its limit in any window, as its provider sees it
  kOtherLimits,     // nor above those for tokens, for requests per day and for requests at once
  kNotOvertaken,    // no waiter is overtaken by a later one of its priority, or by a lower one
  kCooldownKept,    // R2: a cooldown that runs is never shortened
  kAnsweredFinal,   // R3: nothing is tried for a request that has its answer
  kNoFalseMark,     // R4: a client's fault or absence is no mark against an account
  kServedWhenFree,  // the first in the queue does not wait beside a permit that it could have
  kWaitLimit,       // nobody waits longer than its priority's limit; so nobody starves
  kNothingLeft,     // after the storm: queue empty, marks zero, old directories gone
};
[[nodiscard]] std::string_view check_text(Check check) noexcept;

struct Violation {
  Check check;
  Instant at;
  std::string detail;
};

// Checks - watches a simulation and keeps what it found wrong.
//
// Owns      a mirror of the queue, of what each provider has seen, of what each request did.
class Checks final : public Observer {
 public:
  // `slack`: by how much a wait may exceed its limit, for letters on their way and lagging clocks.
  // `tokens_known`: every request says how many tokens it will use.
  Checks(Duration slack, bool tokens_known) : slack_(slack), tokens_known_(tokens_known) {}

  // The storm is over; `simulation` stands still.
  void finish(Simulation& simulation);

  [[nodiscard]] const std::vector<Violation>& found() const noexcept { return found_; }

  void on_publish(const std::shared_ptr<const Directory>& directory, Instant now) override;
  void on_arrival(const SimRequest& request, Instant now) override;
  void on_try(const SimRequest& request, bool granted, Instant now) override;
  void on_settle(const SimRequest& request, bool sent, Instant now) override;
  void on_provider(const Provider& provider, Instant taken_at, const Reply& reply,
                   Instant now) override;
  void on_report_begin(const SimRequest& request, TryOutcome outcome, Instant now) override;
  void on_report(const SimRequest& request, TryOutcome outcome, Instant now) override;
  void on_wait_over(const SimRequest& request, Instant now) override;
  void on_wait(const SimRequest& request, Instant now) override;
  void on_enter(const SimRequest& request, Instant now) override;
  void on_leave(const SimRequest& request, Instant now) override;
  void on_queue_end(const SimRequest& request, Instant now) override;
  void on_end(const SimRequest& request, SimEnding ending, Instant now) override;

 private:
  struct OfRequest {
    bool ended = false;
    bool holds = false;                // a permit that is not settled
    const AccountState* at = nullptr;  // in flight there
    std::uint64_t place = 0;           // of its first entry into the queue; 0: never
    Instant wait_until = kNever;       // from the first wait on
  };
  // What an account may send, from `from` on.
  struct Limit {
    Instant from;
    std::uint32_t requests;  // in `window`
    Duration window;
    bool steady;
  };
  struct Seen {
    Instant at;
    Instant taken_at;
    std::uint64_t tokens;
  };
  struct OfAccount {
    std::vector<Limit> limits;
    std::deque<Seen> seen;  // by its provider, no longer ago than kLookBack
    std::uint32_t total = 0;
    std::uint32_t tokens_limit = 0;
    std::uint32_t per_day = 0;
    bool window_changed = false;
  };
  struct OfState {
    std::shared_ptr<AccountState> state;
    std::uint32_t emergency = 0;
    Instant cooldown_until{};
    std::uint32_t concurrent = 0;
    Instant changed_at{};  // otherwise than by time: a permit may have come back
    std::uint32_t in_flight = 0;
  };

  void fail(Check check, Instant now, std::string detail);
  [[nodiscard]] OfState* state_of(const AccountState& state);
  void check_not_overtaken(const SimRequest& request, Instant now);
  void check_served(const SimRequest& request, Instant now);
  void check_tokens(const std::string& name, const OfAccount& account, Instant now);
  void leave(OfRequest& of_request);
  void check_bucket(OfState& of_state, Instant late, Instant now);

  Duration slack_;
  bool tokens_known_;
  std::vector<Violation> found_;
  std::vector<OfRequest> requests_;  // by id; ids begin with 1
  std::map<std::string, OfAccount, std::less<>> accounts_;
  std::vector<OfState> states_;
  std::vector<std::weak_ptr<const Directory>> directories_;
  std::list<const SimRequest*> waiting_;  // in the queue, unordered
  std::uint64_t places_ = 0;
  struct {
    std::uint32_t cooldowns;
    Instant until;
    bool rejected;
  } before_{};
};

}  // namespace sluice::test
