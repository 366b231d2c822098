#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/prng.h"
#include "engine/route/retry_budget.h"
#include "engine/route/wait_queue.h"
#include "engine/simulate/event_queue.h"
#include "engine/simulate/observer.h"
#include "engine/simulate/provider.h"
#include "engine/simulate/request.h"
#include "engine/simulate/rules.h"
#include "engine/simulate/tally.h"
#include "engine/simulate/traffic.h"

namespace sluice {

// By what the provider of `account` knows it.
[[nodiscard]] std::string provider_id(const Account& account);

// What a reload makes of the directory that is published.
struct PlannedReload {
  Instant at;
  std::function<std::shared_ptr<const Directory>(const Directory& running, Instant now)> make;
};

// SimulationPlan - a simulation, complete: the same plan gives the same run.
struct SimulationPlan {
  static constexpr Instant kStart = Instant(24h);  // a full minute, and far from 0

  std::uint64_t seed = 1;
  Duration duration = 1h;  // requests come so long; the run lasts until all are answered
  Traffic traffic;
  std::shared_ptr<const Directory> directory;
  std::vector<ProviderModel> providers;  // those that count otherwise than their account's limit
  std::vector<PlannedReload> reloads;

  std::uint32_t shards = 1;
  Duration letter_delay_max{};  // between a shard and the dispatcher, drawn for each letter
  Duration clock_lag_max{};     // by which a shard's time is behind the world's, drawn for each
  Duration jitter_max{};        // of the network, between a byte's leaving and its arrival
  Duration connect_max{};
  double slow_upload_share = 0;  // of requests that take up to slow_upload_max to leave
  Duration slow_upload_max{};
  std::uint32_t origins = 0;  // so many users, for routing.affinity; 0: nobody says who asks

  // What a plain reverse proxy does instead: the primary accounts in turn, whatever their limits
  // are, once for each request.
  bool plain_round_robin = false;
};

// Simulation - the gateway's routing at work on virtual time: engine/route as it is, driven as
// proxy/serve_request.cc and proxy/dispatcher.cc drive it, by shards of which each has a balancer
// and a clock of its own, with letters to and from one dispatcher; before it traffic, behind it
// providers.
//
// Owns      all of it, but not the rules and the observer.
// Affinity  one thread.
// Cost      about three events a request, five when it waits; memory for the requests under way.
class Simulation {
 public:
  Simulation(SimulationPlan plan, Rules& rules, Observer& observer);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Until every request is answered, or `kPatience` after the last has come.
  void run();

  [[nodiscard]] const Tally& tally() const noexcept { return tally_; }
  [[nodiscard]] Instant now() const noexcept { return now_; }
  [[nodiscard]] const WaitQueue& queue() const noexcept { return queue_; }
  [[nodiscard]] std::size_t under_way() const noexcept { return requests_.size() - free_.size(); }
  [[nodiscard]] const std::shared_ptr<const Directory>& directory() const noexcept {
    return directory_;
  }

 private:
  friend struct SimRequest::Ticket;
  static constexpr Duration kPatience = 3h;  // longer than any timeout of an account

  enum class What : std::uint8_t {
    kArrival,
    kClientLeaves,
    kEnter,  // letters
    kLeave,
    kQueueEnd,
    kLeft,
    kNudge,
    kSwap,
    kGiveUp,  // timers
    kServe,
    kFirstByte,  // of a try
    kLastByte,
    kConnectFailed,
    kAtProvider,
    kAnswered,
    kReload,
    kKeepLimits,
  };
  struct Event {
    What what;
    std::uint32_t slot = 0;      // the request's; of kSwap the shard, of kReload the reload
    std::uint32_t stamp = 0;     // of the request's step, where the event is void in another
    std::uint32_t provider = 0;  // kAtProvider
    Instant taken_at{};          // kAtProvider: its permit
  };
  struct Shard {
    explicit Shard(std::uint64_t seed) noexcept : prng(seed) {}
    Prng prng;
    Balancer balancer{prng};
    RetryBudget retries;
    Duration lag{};
    std::shared_ptr<const Directory> directory;
    std::deque<std::shared_ptr<const Directory>> on_their_way;
    Instant last_letter_to{};  // letters of one sender are read in their order
    Instant last_letter_from{};
  };

  void plan_in(Duration after, const Event& event) { events_.plan(now_ + after, event); }
  void handle(const Event& event);
  void publish(std::shared_ptr<const Directory> directory);
  void keep_limits();
  [[nodiscard]] Instant time_of(const Shard& shard) const noexcept { return now_ - shard.lag; }
  [[nodiscard]] Shard& shard_of(const SimRequest& request) noexcept {
    return shards_[request.shard];
  }

  // A request from its arrival to its answer (simulation.cc).
  void arrive();
  SimRequest& new_request();
  void client_leaves(SimRequest& request);
  void go_on(SimRequest& request, Choice choice, bool granted = false);
  void end(SimRequest& request, SimEnding ending);
  [[nodiscard]] SimEnding ending_of(const SimRequest& request, const Choice& choice) const noexcept;
  void start_plain(SimRequest& request);

  // Waiting (simulation_wait.cc).
  void handle_of_wait(What what, SimRequest& request);
  void begin_wait(SimRequest& request, const Choice& advice);
  void call_back(SimRequest& request);
  void end_wait(SimRequest& request);
  void at_dispatcher_enter(SimRequest& request);
  void at_dispatcher_leave(SimRequest& request);
  void on_queue_end(SimRequest& request);
  void serve_queue();
  void nudge(Shard& from);
  void post(Shard& shard, bool to_dispatcher, const Event& event);

  // One try (simulation_try.cc).
  void handle_of_try(What what, SimRequest& request);
  void begin_try(SimRequest& request, Choice choice, bool granted);
  void first_byte(SimRequest& request);
  void last_byte(SimRequest& request);
  void connect_failed(SimRequest& request);
  void at_provider(const Event& event);
  void plan_answer(SimRequest& request);
  void answered(SimRequest& request);
  void report(SimRequest& request, TryOutcome outcome, std::optional<Duration> retry_after = {});
  void settle_sent(SimRequest& request);
  void hand_back(SimRequest& request, const std::optional<TokensUsed>& used);
  void next_step(SimRequest& request, bool failed);
  void call_off_try(SimRequest& request);
  std::uint32_t add_provider(std::string id, const ProviderModel& model);
  [[nodiscard]] std::uint32_t provider_of(const Account& account);

  SimulationPlan plan_;
  Rules& rules_;
  Observer& observer_;
  Instant now_ = SimulationPlan::kStart;
  EventQueue<Event> events_;
  Prng prng_;
  Arrivals arrivals_;
  std::deque<Shard> shards_;
  std::shared_ptr<const Directory> directory_;  // the published one
  std::deque<SimRequest> requests_;
  std::vector<std::uint32_t> free_;  // places in requests_
  std::uint64_t requests_begun_ = 0;
  std::uint32_t plain_next_ = 0;

  std::deque<Provider> providers_;
  std::unordered_map<std::string, std::uint32_t> provider_by_id_;

  Shard dispatcher_;  // its home: a clock, a random source and a balancer
  WaitQueue queue_{dispatcher_.balancer};
  Instant timer_at_ = kNever;
  std::uint32_t timer_stamp_ = 0;
  bool nudge_on_its_way_ = false;

  Tally tally_;
};

}  // namespace sluice
