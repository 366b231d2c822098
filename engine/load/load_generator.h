#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/io/uring_kernel.h"
#include "engine/load/ask_once.h"
#include "engine/load/schedule.h"
#include "engine/net/resolver.h"
#include "engine/task/scope.h"

namespace sluice {

// LoadSettings - how a run goes on, whatever its requests are.
struct LoadSettings {
  ArrivalPattern arrivals = ArrivalPattern::kPoisson;
  double per_second = 50;
  Duration duration = 30s;
  std::size_t connections_max = 1024;
  // From when a request was due: a user who has waited so long has gone, sent or not.
  Duration timeout = 60s;
  std::uint64_t seed = 1;
};

// LoadProgress - how far a run has come.
struct LoadProgress {
  Duration elapsed{};
  std::size_t in_flight = 0;
};

// LoadResult - what a run was, beside its tally.
struct LoadResult {
  Duration elapsed{};  // from the begin to the last answer
  Duration cpu{};      // what the thread took of a core meanwhile
  bool interrupted = false;
};

// LoadGenerator - a shard of its own that sends requests by a schedule and ends: an open loop. A
// request that is due is sent, whatever became of those before; where all connections are in use it
// waits, and its latency counts from when it was due all the same.
//
// Owns      all of it, but the clock, the shape, the trust and the tally.
// Affinity  the thread that made it.
// Cost      one thread. The kernel wakes it at the instant when a request is due; the shard's
//           timers, of 1 ms, serve for timeouts alone.
class LoadGenerator {
 public:
  // `trust`: whom an https URL's certificate must be signed by; null without TLS.
  LoadGenerator(Clock& clock, const LoadSettings& settings, const RequestShape& shape,
                const TrustStore* trust, LoadTally& tally)
      : clock_(&clock), settings_(settings), shape_(&shape), tally_(&tally) {
    run_.trust = trust;
  }
  LoadGenerator(const LoadGenerator&) = delete;
  LoadGenerator& operator=(const LoadGenerator&) = delete;

  // Reads the files of the resolver. Empty, or what is missing.
  [[nodiscard]] std::string open();

  // Opens a connection, which the first request uses: names, TCP and TLS are tried before anything
  // is sent. Empty, or why there is none. After it comes run(), also when it failed.
  [[nodiscard]] std::string reach();

  // Runs until the schedule is over and all have ended, or until `stop_fd` can be read (-1: there
  // is none). `progress` (or null) is called once a second. With `send` false it only cleans up.
  LoadResult run(bool send, int stop_fd, const std::function<void(const LoadProgress&)>& progress);

 private:
  // Silence - a log of what is told in the report.
  class Silence final : public LogSink {
   public:
    void write(std::string_view) noexcept override {}
  };

  static Task<void> open_first(Shard& shard, LoadGenerator& self, std::string& failed);
  static Task<void> watch_stop(Shard& shard, LoadGenerator& self, int stop_fd);
  static Task<void> ask_and_count(Shard& shard, LoadGenerator& self, std::uint64_t number,
                                  Instant due);
  static Task<void> close_all(Shard& shard, LoadGenerator& self);

  void start_due();
  void skip_due();
  void note_beat();
  [[nodiscard]] bool finished() const noexcept;
  [[nodiscard]] Instant next_due() const noexcept;
  void turn_until(Instant at);
  void turn_until_done(Scope& scope);

  Clock* clock_;
  LoadSettings settings_;
  const RequestShape* shape_;
  LoadTally* tally_;
  Silence silence_;
  UringKernel kernel_;
  std::optional<Shard> shard_;
  Resolver resolver_;
  std::optional<ClientTlsContext> tls_;
  std::optional<UpstreamPools> pools_;
  LoadRun run_;
  CancelSource end_;  // of the watch for a stop
  std::optional<ArrivalSchedule> schedule_;
  std::optional<Scope> requests_;
  Instant begin_{};
  Instant last_full_ = Instant::min();  // all connections were in use up to then
  Instant beat_ = kNever;  // when the generator wants to wake next, while all are in use
  std::size_t in_flight_ = 0;
  bool stopped_ = false;
};

}  // namespace sluice
