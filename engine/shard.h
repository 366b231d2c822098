#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/log.h"
#include "base/prng.h"
#include "engine/io/reactor.h"
#include "engine/mailbox.h"

namespace sluice {

// Shard - one thread's whole world: its kernel ring, its coroutines, timers, memory, log and random
// numbers.
//
// Owns      its mailbox; not the kernel and the clock.
// Affinity  the thread that calls run(). From other threads only post() of *their* shard, which
//           names this one.
// Lifetime  shards that post to each other are made before their threads start and die after they
//           have ended.
class Shard : public Reactor {
 public:
  struct Options {
    std::uint32_t index = 0;
    std::uint64_t seed = 1;
    // How long an idle shard may look for work before it sleeps, while that pays: a sleep costs a
    // wake-up, in a virtual machine some 50 us. 0 switches it off.
    Duration spin_max = 50us;
  };

  Shard(const Options& options, Kernel& kernel, Clock& clock, const Log& log)
      : Reactor(kernel, clock),
        log_(log),
        prng_(options.seed),
        spin_max_(options.spin_max),
        index_(options.index) {}

  // Runs until stop(). The order of a turn:
  //   mailbox -> (spin) -> one submit-and-wait -> completions -> timers -> ready list (bounded)
  // Completions and timers only make ready; coroutines go on in the ready list alone.
  void run();
  // Ends run() after the present turn. From this shard's own thread (a message, a coroutine).
  void stop() noexcept { stopping_ = true; }

  // Sends `letter` to `receiver`, which may be this shard too, from this shard's thread.
  void post(Shard& receiver, Letter& letter) noexcept;

  [[nodiscard]] const Log& log() const noexcept { return log_; }
  void set_log_level(LogLevel level) noexcept { log_.set_level(level); }  // on this shard's thread
  [[nodiscard]] Prng& prng() noexcept { return prng_; }
  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }

 private:
  [[nodiscard]] bool has_mail() const noexcept { return !shared_->inbox.empty(); }
  void read_mail();
  void wait_for_work();
  [[nodiscard]] bool spin_pays() const noexcept;
  [[nodiscard]] bool spin();
  void note_wait(Duration took) noexcept;
  void note_completions(std::size_t count) noexcept;

  Log log_;
  Prng prng_;
  // What other shards write. Apart from what the shard itself writes often, and on the heap, so
  // that a shard itself may lie on any stack.
  struct alignas(64) Shared {
    Mailbox inbox;
    std::atomic<std::uint32_t> may_sleep{0};  // set while it may sleep: who posts then must wake it
  };
  std::unique_ptr<Shared> shared_ = std::make_unique<Shared>();
  Duration spin_max_;
  // Of the last waits, how many ended within spin_max_: a running mean in 1/256, spinning pays
  // above kSpinPays.
  std::uint32_t short_waits_ = 0;
  bool crowded_ = false;         // by the completions of the last kRatePeriod
  std::size_t completions_ = 0;  // since rate_began_
  std::size_t mean_rate_ = 0;    // completions in a kRatePeriod, of some sixteen of them
  Instant rate_began_{};
  std::uint32_t index_;
  bool stopping_ = false;
};

}  // namespace sluice
