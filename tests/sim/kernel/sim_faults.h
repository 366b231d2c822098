#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/prng.h"

namespace sluice {

// SimFaults - how often the simulated world does what is allowed and unwelcome, in 1/1000 of the
// occasions; 0 switches a fault off.
struct SimFaults {
  // The kernel: what none of its users may notice.
  std::uint32_t short_read = 300;        // a receive gives a part of what lies there
  std::uint32_t short_send = 100;        // a send ends before everything is taken
  std::uint32_t completion_waits = 300;  // completions stay for a later collect()
  std::uint32_t multishot_ends = 60;     // a multishot operation ends without a reason
  std::uint32_t slow_cancel = 400;       // a cancelled operation goes on for a while
  Duration wake_delay_max = 300ms;       // long beside a wait, so that letters meet on their way
  std::uint32_t slow_wake = 300;         // another shard is woken late
  std::uint32_t accept_fails = 30;       // EMFILE, ECONNABORTED
  // The kernel's receive buffers: few and small, so that they run out.
  std::uint32_t buffers = 6;
  std::uint32_t buffer_bytes = 2048;
  std::uint32_t socket_bytes_max = 64'000;  // of a send buffer, and of a receive window
  bool incremental_buffers = true;          // filled piece by piece, as Linux 6.12 does

  // The network and the provider's machine.
  std::uint32_t slow_segment = 20;  // some 10 ms instead of some 100 us
  std::uint32_t socket_fails = 5;   // no descriptor for a connection to a provider
  std::uint32_t connect_refused = 30;
  std::uint32_t connect_unanswered = 20;

  // Providers and clients: see SimProvider and SimClient.
  std::uint32_t bad_answer = 250;
  std::uint32_t bad_client = 250;

  // Nothing but what a kernel may do: every request must be answered well.
  void calm_peers() {
    socket_fails = connect_refused = connect_unanswered = bad_answer = bad_client = 0;
  }
};

// True in `permille` of 1000 cases.
inline bool chance(Prng& prng, std::uint32_t permille) { return prng.below(1000) < permille; }
// Uniform in [low, high].
inline std::uint64_t between(Prng& prng, std::uint64_t low, std::uint64_t high) {
  return low + prng.below(high - low + 1);
}
inline Duration between(Prng& prng, Duration low, Duration high) {
  return low + Duration(prng.below(static_cast<std::uint64_t>((high - low).count()) + 1));
}

}  // namespace sluice
