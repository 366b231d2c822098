#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/prng.h"
#include "tests/sim/kernel/sim_clock.h"
#include "tests/sim/kernel/sim_faults.h"
#include "tests/sim/kernel/sim_log.h"

namespace sluice {

class SimEnd;
class SimNet;

// SimWatcher - who reads and writes one end of a connection: the simulated kernel, or a peer.
class SimWatcher {
 public:
  // Bytes, an end or a reset have arrived, or there is room to write. Called from events only,
  // never from within a call of the watcher's own.
  virtual void on_change(SimEnd& end) = 0;

 protected:
  ~SimWatcher() = default;
};

// SimListener - who takes connections at an address.
class SimListener {
 public:
  virtual void on_connection(SimEnd& end) = 0;

 protected:
  ~SimListener() = default;
};

// SimEnd - one end of a TCP connection: what has arrived and was not read, what was written and has
// not left. What is under way between the ends lies in the events of the net.
//
// Owns      its bytes. Lives as long as its net.
class SimEnd {
 public:
  SimEnd(SimNet& net, std::uint64_t id) : net_(&net), id_(id) {}
  SimEnd(const SimEnd&) = delete;
  SimEnd& operator=(const SimEnd&) = delete;

  void watch(SimWatcher* watcher) { watcher_ = watcher; }
  [[nodiscard]] std::uint64_t id() const { return id_; }

  [[nodiscard]] std::size_t room() const;
  std::size_t write(std::string_view bytes);  // takes what there is room for
  void finish();                              // FIN, behind everything that was written

  [[nodiscard]] std::string_view readable() const {
    return std::string_view(inbox_).substr(read_at_);
  }
  void consume(std::size_t bytes);
  [[nodiscard]] bool at_end() const { return fin_arrived_ && readable().empty(); }
  [[nodiscard]] bool broken() const { return reset_arrived_; }
  // The peer has closed its side or reset, though bytes of it may still be unread.
  [[nodiscard]] bool hung_up() const { return fin_arrived_ || reset_arrived_; }

  // As close(2) on Linux: bytes that lie unread, or come later, make it a reset.
  void close();
  void reset();
  // From now on nothing leaves and nothing arrives, and nobody is told.
  void vanish() { vanished_ = true; }

 private:
  friend class SimNet;
  void transmit();
  void notify();
  void arrive(std::string_view segment);
  void arrive_end();
  void arrive_reset();

  SimNet* net_;
  SimEnd* peer_ = nullptr;
  SimWatcher* watcher_ = nullptr;
  std::uint64_t id_;
  std::string inbox_;
  std::size_t read_at_ = 0;
  std::size_t under_way_ = 0;  // towards this end
  std::size_t window_ = 0;     // unread and under way, at most
  std::string outbox_;
  std::size_t outbox_max_ = 0;
  Instant last_arrival_{};  // of what this end has sent: segments do not overtake
  bool fin_wanted_ = false;
  bool fin_sent_ = false;
  bool fin_arrived_ = false;
  bool reset_arrived_ = false;
  bool reset_sent_ = false;
  bool closed_ = false;
  bool vanished_ = false;
};

// SimNet - connections between simulated machines, and the events of the simulation in the order of
// their times; all that is by chance comes from one seed.
//
// Owns      the connections, the events.
class SimNet {
 public:
  SimNet(SimClock& clock, SimLog& log, const SimFaults& faults, std::uint64_t seed)
      : clock_(&clock), log_(&log), faults_(faults), prng_(seed) {}
  SimNet(const SimNet&) = delete;
  SimNet& operator=(const SimNet&) = delete;

  void listen(const std::string& address, SimListener* listener) { listeners_[address] = listener; }
  // `done` is told 0 or an errno, later; never when nobody answers.
  SimEnd& connect(const std::string& address, std::function<void(int)> done);

  void at(Instant instant, std::function<void()> run);
  void after(Duration delay, std::function<void()> run) {
    at(clock_->now() + delay, std::move(run));
  }
  [[nodiscard]] Instant next_event() const {
    return events_.empty() ? kNever : events_.begin()->first.first;
  }
  // Runs what is due now.
  void run_due();

  [[nodiscard]] Duration latency();
  [[nodiscard]] Prng& prng() { return prng_; }
  [[nodiscard]] SimClock& clock() { return *clock_; }
  [[nodiscard]] SimLog& log() { return *log_; }
  [[nodiscard]] const SimFaults& faults() const { return faults_; }

 private:
  SimEnd& make_end();
  SimClock* clock_;
  SimLog* log_;
  SimFaults faults_;
  Prng prng_;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t event_count_ = 0;
  std::map<std::string, SimListener*> listeners_;
  std::deque<std::unique_ptr<SimEnd>> ends_;
};

}  // namespace sluice
