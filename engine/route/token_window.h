#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/clock.h"
#include "engine/route/take.h"

namespace sluice {

// TokenReservation - units that a window counts for one request. Settled or cancelled exactly once,
// with the window that gave it.
struct TokenReservation {
  std::uint64_t end = 0;    // of the cell that counts it; 0: not counted, there was no limit
  std::uint32_t units = 0;  // as counted
  std::uint32_t slot = 0;   // of the cell

  [[nodiscard]] bool counted() const noexcept { return end != 0; }
};
static_assert(std::is_trivially_copyable_v<TokenReservation> && sizeof(TokenReservation) == 16);

// BasicTokenWindow - at most `limit` units in any window, taken in amounts: tokens per minute, or,
// one unit a request and a window of 24 h, requests per day.
//
// Time is cut into cells of a sixtieth of the window. What is reserved in a cell comes back, all at
// once, one window after the cell's end: a unit counts for one window and at most one cell longer,
// never shorter. `used` is raised before the cell counts the units and lowered after they have left
// it, so it is never below what the cells hold, and a reserve that would raise it above the limit
// is refused: no window holds more than the limit, however many threads reserve. A request larger
// than the whole limit would wait for ever; it passes when nothing else is in the window. charge()
// asks no limit, and may name an instant before the machine's start.
//
// settle() corrects an estimate. What was used beyond it counts now and may take the window above
// its limit: a debt, which the next requests wait off. What was not used is free again at once,
// unless it has come back already.
//
// The window counts from the reserve, not from the moment at which the request has left; `window`
// includes a guard for that way, as that of the rolling bucket does.
//
// A cell is one word, {end, units}. Whoever finds units in a cell whose time is over takes them out
// and lowers `used` by them; the end it leaves behind is one that no reservation has, so a late
// settle() finds its cell gone and takes nothing from another's units. Ends never go back. Two
// cells meet in one slot only after the window was changed, or when a thread lost most of a window
// between reading its clock and counting: then they become one that counts until the later end.
//
// Affinity  any thread, lock-free; set_limit() one thread at a time.
// Size      576 bytes: 9 cache lines, of which a reserve that is granted touches two.
// Limits    2^30 - 1 units: as limit, as one request, in one cell (a debt beyond it is forgiven).
//           Cells are no shorter than a granule of 67 ms, so below a window of 4 s they are fewer.
template <class Atomics>
class alignas(64) BasicTokenWindow {
 public:
  template <class T>
  using Atomic = typename Atomics::template Atomic<T>;

  static constexpr std::uint64_t kUnitsMax = (std::uint64_t{1} << 30) - 1;
  static constexpr std::int64_t kCells = 60;
  // 34 bits of 2^26 ns count the 36 years that ticks.h counts.
  static constexpr Duration kGranule = Duration(std::int64_t{1} << 26);
  // Before the machine's start there are 78 hours, for what an earlier process used.
  static constexpr std::int64_t kGranulesBefore = std::int64_t{1} << 22;

  // A limit of 0 is none: everything passes and nothing is counted.
  BasicTokenWindow(std::uint64_t limit, Duration window) { set_limit(limit, window); }
  BasicTokenWindow(const BasicTokenWindow&) = delete;
  BasicTokenWindow& operator=(const BasicTokenWindow&) = delete;

  // May refuse what fits at the moment in which another thread takes out what has come back.
  [[nodiscard]] std::optional<TokenReservation> reserve(std::uint64_t units, Instant now) {
    const std::int64_t limit = limit_.load(std::memory_order_relaxed);
    if (limit == 0) return TokenReservation{};
    const std::int64_t wanted = bounded(units);
    std::int64_t used = used_.load(std::memory_order_acquire);
    bool collected = false;
    for (;;) {
      if (excess(used, wanted, limit) <= 0) {
        if (used_.compare_exchange_weak(used, used + wanted, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
          return count(static_cast<std::uint64_t>(wanted), now);
        }
      } else if (!std::exchange(collected, true)) {
        collect(now);
        used = used_.load(std::memory_order_acquire);
      } else {
        return std::nullopt;
      }
    }
  }

  // The request has used `units` in truth.
  void settle(const TokenReservation& reserved, std::uint64_t units, Instant now) {
    if (!reserved.counted()) return;
    const std::int64_t more = bounded(units) - std::int64_t{reserved.units};
    if (more < 0) give_back(reserved, static_cast<std::uint64_t>(-more));
    if (more <= 0 || limit() == 0) return;
    used_.fetch_add(more, std::memory_order_acq_rel);
    count(static_cast<std::uint64_t>(more), now);
  }

  // Units that were used whatever the limit says, at an instant not more than a window and a cell
  // ago: they may take the window above its limit, as a debt.
  void charge(std::uint64_t units, Instant at) {
    if (limit() == 0 || units == 0) return;
    used_.fetch_add(bounded(units), std::memory_order_acq_rel);
    static_cast<void>(count(static_cast<std::uint64_t>(bounded(units)), at));
  }

  // The request was not sent.
  void cancel(const TokenReservation& reserved) {
    if (reserved.counted()) give_back(reserved, reserved.units);
  }

  // Whether reserve(units) would pass now.
  [[nodiscard]] bool has_room(std::uint64_t units, Instant now) {
    const std::int64_t limit = limit_.load(std::memory_order_relaxed);
    if (limit == 0) return true;
    const auto fits = [&] {
      return excess(used_.load(std::memory_order_acquire), bounded(units), limit) <= 0;
    };
    if (fits()) return true;
    collect(now);
    return fits();
  }

  // When reserve(units) will pass if nobody else takes anything: `now` when it would now.
  [[nodiscard]] Instant next_at(std::uint64_t units, Instant now) const {
    const std::int64_t limit = limit_.load(std::memory_order_relaxed);
    if (limit == 0) return now;
    std::int64_t missing = excess(used_.load(std::memory_order_acquire), bounded(units), limit);
    if (missing <= 0) return now;
    std::array<std::uint64_t, kSlots> words;  // sorted, they are in the order of their ends
    auto last = words.begin();
    for (const Cell& cell : cells_) {
      const std::uint64_t seen = cell.load(std::memory_order_acquire);
      if (units_of(seen) != 0) *last++ = seen;
    }
    std::sort(words.begin(), last);
    for (auto word = words.begin(); word != last; ++word) {
      missing -= static_cast<std::int64_t>(units_of(*word));
      if (missing <= 0) return std::max(now, end_of(*word) + window());
    }
    return now + kAskAgain;
  }

  // What counts now: above the limit when there is a debt.
  [[nodiscard]] std::uint64_t used(Instant now) {
    collect(now);
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, used_.load(std::memory_order_acquire)));
  }

  // In place: what was counted before counts under the new limit and for the new window.
  void set_limit(std::uint64_t limit, Duration window) {
    window_ns_.store(window.count(), std::memory_order_relaxed);
    limit_.store(bounded(limit), std::memory_order_relaxed);
  }

  [[nodiscard]] std::uint64_t limit() const {
    return static_cast<std::uint64_t>(limit_.load(std::memory_order_relaxed));
  }
  [[nodiscard]] Duration window() const {
    return Duration(window_ns_.load(std::memory_order_relaxed));
  }
  // What a unit may count longer than the window.
  [[nodiscard]] static constexpr Duration cell_width(Duration window) {
    return granules_in(window) * kGranule;
  }

 private:
  using Cell = Atomic<std::uint64_t>;

  // A window touches 61 cells, and the one under way is the 62nd: a slot's last cell is over when
  // its turn comes again.
  static constexpr std::size_t kSlots = 64;
  static constexpr int kUnitsBits = 30;
  static constexpr std::uint64_t kEndMax = (std::uint64_t{1} << 34) - 2;
  // Units are missing in the cells while another thread is between two steps of its own.
  static constexpr Duration kAskAgain = 1ms;

  static std::uint64_t word_of(std::uint64_t end, std::uint64_t units) {
    return end << kUnitsBits | units;
  }
  static std::uint64_t units_of(std::uint64_t word) { return word & kUnitsMax; }
  static std::uint64_t granule_of(std::uint64_t word) { return word >> kUnitsBits; }
  static Instant end_of(std::uint64_t word) {
    return Instant((static_cast<std::int64_t>(granule_of(word)) - kGranulesBefore) * kGranule);
  }
  static constexpr std::int64_t granules_in(Duration window) {
    return std::max<std::int64_t>(1, (window + kCells * kGranule - 1ns) / (kCells * kGranule));
  }
  static std::int64_t cell_of(Instant at, std::int64_t width) {
    const std::int64_t granule = std::max(at.time_since_epoch() / kGranule, -kGranulesBefore / 2);
    return granule >= 0 ? granule / width : -((width - 1 - granule) / width);
  }
  static std::int64_t bounded(std::uint64_t units) {
    return static_cast<std::int64_t>(std::min(units, kUnitsMax));
  }

  // How much must come back before `wanted` passes.
  static std::int64_t excess(std::int64_t used, std::int64_t wanted, std::int64_t limit) {
    return wanted > limit ? used : used + wanted - limit;
  }

  // Counts units, by which `used` was raised, in the cell of `now`.
  TokenReservation count(std::uint64_t units, Instant now) {
    const Duration window = this->window();
    const std::int64_t width = granules_in(window);
    const std::int64_t index = cell_of(now, width);
    const std::uint64_t end =
        std::min(static_cast<std::uint64_t>((index + 1) * width + kGranulesBefore), kEndMax);
    const std::uint64_t slot = static_cast<std::uint64_t>(index) % kSlots;
    Cell& cell = cells_[slot];
    std::uint64_t seen = cell.load(std::memory_order_acquire);
    for (;;) {
      const bool over = end_of(seen) + window <= now;
      const std::uint64_t before = over ? 0 : units_of(seen);
      const std::uint64_t after = std::min(before + units, kUnitsMax);
      const std::uint64_t kept_end = std::max(end, granule_of(seen) + (over ? 1 : 0));
      if (cell.compare_exchange_weak(seen, word_of(kept_end, after), std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
        lower_used((over ? units_of(seen) : 0) + (before + units - after));
        return {kept_end, static_cast<std::uint32_t>(after - before),
                static_cast<std::uint32_t>(slot)};
      }
    }
  }

  void give_back(const TokenReservation& reserved, std::uint64_t units) {
    Cell& cell = cells_[reserved.slot];
    std::uint64_t seen = cell.load(std::memory_order_acquire);
    while (granule_of(seen) == reserved.end) {
      if (cell.compare_exchange_weak(seen, seen - units, std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
        return lower_used(units);
      }
    }
  }

  // Takes out what has come back.
  void collect(Instant now) {
    const Duration window = this->window();
    std::uint64_t back = 0;
    for (Cell& cell : cells_) {
      std::uint64_t seen = cell.load(std::memory_order_acquire);
      while (units_of(seen) != 0 && end_of(seen) + window <= now) {
        if (cell.compare_exchange_weak(seen, word_of(granule_of(seen) + 1, 0),
                                       std::memory_order_acq_rel, std::memory_order_acquire)) {
          back += units_of(seen);
          break;
        }
      }
    }
    lower_used(back);
  }

  void lower_used(std::uint64_t units) {
    if (units != 0) {
      used_.fetch_add(-static_cast<std::int64_t>(units), std::memory_order_acq_rel);
    }
  }

  Atomic<std::int64_t> used_{0};
  Atomic<std::int64_t> limit_{0};
  Atomic<std::int64_t> window_ns_{0};
  alignas(64) std::array<Cell, kSlots> cells_{};
};

using TokenWindow = BasicTokenWindow<StdAtomics>;
static_assert(sizeof(TokenWindow) == 576);

}  // namespace sluice
