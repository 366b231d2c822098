#pragma once

#include <cstdint>
#include <cstdio>
#include <string_view>

#include "tests/sim/kernel/sim_clock.h"

namespace sluice {

// SimLog - what happened in a run, as a hash over all its events: two runs with the same hash were
// the same run. Printed as it comes when a seed is replayed.
class SimLog {
 public:
  SimLog(SimClock& clock, bool prints) : clock_(&clock), prints_(prints) {}

  void note(std::string_view what, std::int64_t a = 0, std::int64_t b = 0, std::int64_t c = 0) {
    const std::int64_t at = clock_->now().time_since_epoch().count();
    for (const std::int64_t number : {at, a, b, c}) mix(static_cast<std::uint64_t>(number));
    for (const char c_ : what) mix(static_cast<unsigned char>(c_));
    ++events_;
    if (!prints_) return;
    std::printf("%12.6f  %-24.*s %6lld %8lld %8lld\n", static_cast<double>(at) / 1e9,
                static_cast<int>(what.size()), what.data(), static_cast<long long>(a),
                static_cast<long long>(b), static_cast<long long>(c));
  }
  void text(std::string_view line) {
    for (const char c : line) mix(static_cast<unsigned char>(c));
    if (!prints_) return;
    std::printf("%12.6f  %.*s", static_cast<double>(clock_->now().time_since_epoch().count()) / 1e9,
                static_cast<int>(line.size()), line.data());
  }
  [[nodiscard]] bool prints() const { return prints_; }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }

 private:
  // FNV-1a over words: enough to tell two runs apart.
  void mix(std::uint64_t word) { hash_ = (hash_ ^ word) * 0x100000001b3ULL; }

  SimClock* clock_;
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::uint64_t events_ = 0;
  bool prints_;
};

}  // namespace sluice
