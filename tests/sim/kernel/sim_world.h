#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/gateway_shard.h"
#include "tests/sim/kernel/sim_client.h"
#include "tests/sim/kernel/sim_kernel.h"
#include "tests/sim/kernel/sim_provider.h"
#include "tests/sim/kernel/sim_rules.h"

namespace sluice {

// SimOutcome - what a run has shown.
struct SimOutcome {
  std::uint64_t hash = 0;  // of all that happened, in order
  std::uint64_t events = 0;
  std::size_t exchanges = 0;
  std::size_t answered_well = 0;
  SimKernel::Counters kernel;
  std::uint64_t starved = 0;       // receives that found no buffer
  std::uint64_t copied_bytes = 0;  // out of the ring
  std::size_t waiters_max = 0;     // at once, for a permit
  std::uint64_t hedges = 0;        // second accounts that were asked
  SimFindings findings;
};

// SimWorld - a gateway shard, its providers and its clients on one simulated kernel, all from one
// seed: the real GatewayShard from its listener to its drain, in virtual time.
//
// Affinity  one thread. Lifetime: one run.
class SimWorld {
 public:
  struct Options {
    std::uint64_t seed = 1;
    bool prints = false;
    SimBug bug = SimBug::kNone;
  };
  explicit SimWorld(const Options& options);

  [[nodiscard]] SimOutcome run();

 private:
  // Log lines of the gateway are events of the run.
  struct Sink final : LogSink {
    explicit Sink(SimLog& log) : log(&log) {}
    void write(std::string_view line) noexcept override { log->text(line); }
    SimLog* log;
  };
  struct StopControl final : Letter {
    StopControl() : Letter(&StopControl::read) {}
    static void read(Shard& control, Letter&) { control.stop(); }
  };
  struct Drain final : Letter {
    explicit Drain(SimWorld& world) : Letter(&Drain::read), world(&world) {}
    static void read(Shard&, Letter& letter) {
      SimWorld& world = *static_cast<Drain&>(letter).world;
      world.gateway_->begin_drain(world.drain_plan_);
    }
    SimWorld* world;
  };
  void add_account(Directory& directory, const std::string& host, std::uint64_t number);
  [[nodiscard]] QueuePolicy draw_queue();
  [[nodiscard]] std::shared_ptr<const Snapshot> make_snapshot();
  void add_clients();
  [[nodiscard]] SimClient::Plan plan_client(std::size_t number);
  void watch_clients();
  void watch_shard();
  void begin_drain();
  void make_dispatcher();
  void run_shards();
  void judge(SimOutcome& outcome);
  void judge_accounts();

  Prng prng_;
  SimFaults faults_;
  SimCircumstances circumstances_;
  SimClock clock_;
  SimLog log_;
  SimNet net_;
  SimKernel kernel_;
  Sink sink_;
  SimBook book_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::vector<std::unique_ptr<SimProvider>> providers_;
  std::vector<std::unique_ptr<SimExchange>> exchanges_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::optional<GatewayShard> gateway_;
  // The shard beside it, where requests wait in some of the runs, as they do in the program.
  SimKernel control_kernel_;
  SimTurns turns_;
  std::optional<Shard> control_;
  std::optional<Dispatcher> dispatcher_;
  bool scarce_ = false;  // too few permits for all: requests wait
  DrainPlan drain_plan_;
  Drain drain_{*this};
  Instant drain_at_ = kNever;  // kNever: when all clients are done
  Instant starved_since_ = kNever;
  std::size_t waiters_max_ = 0;
};

}  // namespace sluice
