#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "tests/sim/kernel/sim_net.h"

namespace sluice {

// SimPeer - a machine at the other end of a connection: reads at its own pace, and says what stands
// in its script, piece by piece.
//
// Owns      the script. Lives as long as the net.
class SimPeer : private SimWatcher {
 public:
  // What comes after the text of a step.
  enum class Then : std::uint8_t {
    kGoOn,
    kFinish,  // FIN, and goes on reading
    kClose,
    kReset,
    kVanish,
    kStopReading,
  };
  struct Step {
    Duration wait{};  // before the text
    std::string text;
    Then then = Then::kGoOn;
  };
  // At most so many bytes at a time, and so long between two times.
  struct Pace {
    std::size_t bytes_max = 64'000;
    Duration gap_max = 300us;
  };

  explicit SimPeer(SimNet& net, std::uint64_t seed) : net_(&net), prng_(seed) {}
  virtual ~SimPeer() = default;
  SimPeer(const SimPeer&) = delete;
  SimPeer& operator=(const SimPeer&) = delete;

  void attach(SimEnd& end);
  void say(Step step);
  void do_now(Then then);
  // No longer connected, or with nobody: what is said is lost.
  [[nodiscard]] bool gone() const { return end_ == nullptr; }
  [[nodiscard]] bool all_said() const { return script_.empty(); }

  Pace reads;
  Pace writes;

 protected:
  virtual void on_bytes(std::string_view bytes) = 0;
  // The gateway has closed (`reset`: with a reset). Not told after do_now() has ended everything.
  virtual void on_end(bool reset) = 0;
  virtual void on_step_said() {}

  [[nodiscard]] SimNet& net() { return *net_; }
  [[nodiscard]] Prng& prng() { return prng_; }

 private:
  void on_change(SimEnd& end) override;
  void plan_reading();
  void read();
  void plan_writing(Duration wait);
  void write();

  SimNet* net_;
  Prng prng_;
  SimEnd* end_ = nullptr;
  std::deque<Step> script_;
  std::size_t said_ = 0;  // of the first step
  bool waited_ = false;   // the first step's wait is over
  bool reading_planned_ = false;
  bool writing_planned_ = false;
  bool stopped_reading_ = false;
  bool end_told_ = false;
};

}  // namespace sluice
