#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "store/environment.h"
#include "store/store_error.h"

namespace sluice {

// What the database does not let the store's thread do.
enum class StoreTrouble : std::uint8_t { kBooking, kSyncing, kCleaning, kCooldowns };
inline constexpr std::size_t kStoreTroubles = 4;
[[nodiscard]] constexpr unsigned trouble_bit(StoreTrouble trouble) noexcept {
  return 1U << static_cast<unsigned>(trouble);
}

// StoreTroubles - which of these last, and the log's word of it: when one begins, every ten minutes
// while it lasts, and when it has ended.
//
// Affinity  the store's thread; bits() any.
class StoreTroubles {
 public:
  static constexpr Duration kRepeatEvery = 10min;

  StoreTroubles(Clock& clock, const Log& log, std::string directory)
      : clock_(clock), log_(log), directory_(std::move(directory)) {}

  void begin(StoreTrouble trouble, const StoreError& error);
  void end(StoreTrouble trouble);
  // Whether it is time to repeat() one of them.
  [[nodiscard]] bool due(Instant now) const noexcept;
  // `backlog`: records that are not booked.
  void repeat(Instant now, std::uint64_t backlog);

  // A look at how full the database is. Told like the others, and as a warning: nothing fails yet.
  // It ends a good way below the alert level, so that one that is pruned there is not told each
  // time.
  void note_space(const SpaceUse& space);

  // trouble_bit() of those that last.
  [[nodiscard]] unsigned bits() const noexcept { return bits_.load(std::memory_order_relaxed); }

 private:
  struct State {
    Instant since{};
    Instant tell_at{};
    StoreError error;
  };
  [[nodiscard]] bool lasts(std::size_t at) const noexcept { return (bits() >> at & 1) != 0; }

  Clock& clock_;
  Log log_;
  const std::string directory_;
  std::array<State, kStoreTroubles> states_;
  std::atomic<unsigned> bits_{0};
  bool tight_ = false;  // the database is near its maximum, as has been told
  Instant tell_space_at_{};
  bool broken_ = false;  // the database is closed until a restart, as has been told
};

}  // namespace sluice
