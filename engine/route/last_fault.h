#pragma once

#include <atomic>
#include <cstdint>

#include "engine/route/ticks.h"

namespace sluice {

// LastFault - the last failure of an account that was its provider's, for display. `kind` is a
// TryOutcome.
//
// Affinity  any thread, lock-free. Size: 8 bytes: 48 of time, 10 of status, 6 of kind.
class LastFault {
 public:
  struct Seen {
    bool any = false;
    Instant at{};
    std::uint16_t status = 0;  // of the answer; 0: none came
    std::uint8_t kind = 0;
  };

  void note(Instant at, std::uint16_t status, std::uint8_t kind) noexcept {
    const std::uint64_t what = std::uint64_t{status & 0x3ffu} << 6 | (kind & 0x3fu);
    word_.store(what << kTickBits | ticks_of(at), std::memory_order_relaxed);
  }
  [[nodiscard]] Seen read() const noexcept {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    const std::uint64_t what = word >> kTickBits;
    return {.any = word != 0,
            .at = instant_of(word),
            .status = static_cast<std::uint16_t>(what >> 6),
            .kind = static_cast<std::uint8_t>(what & 0x3f)};
  }

 private:
  std::atomic<std::uint64_t> word_{0};
};

}  // namespace sluice
