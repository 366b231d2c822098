#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/owned_count.h"

namespace sluice {

// SeriesTable - counters by a 64-bit key that is made of labels: one for each key that was met. A
// key keeps its place for good, so a reader goes through all of them while the owner counts.
//
// The memory of all places is set aside at the start and touched as they are taken: counting costs
// no allocation.
//
// Owns      the counters, and an open-addressed index of them that only its owner reads.
// Affinity  count() one thread, series() any.
// Limits    places_max keys, at most kPlacesMax. What finds no place is not counted: false.
// Size      16 bytes for each key that was met, and 4 to 8 for each place.
// Cost      one look into the index and one at the counter.
class SeriesTable {
 public:
  static constexpr std::size_t kPlacesMax = 0xfffe;

  struct Series {
    std::uint64_t key = 0;
    OwnedCount count;
  };

  explicit SeriesTable(std::size_t places_max);
  ~SeriesTable();
  SeriesTable(const SeriesTable&) = delete;
  SeriesTable& operator=(const SeriesTable&) = delete;

  // `reserved`: so many places stay free for others.
  [[nodiscard]] bool count(std::uint64_t key, std::size_t reserved = 0) noexcept;

  // Those that there are, in the order in which they were met.
  [[nodiscard]] std::span<const Series> series() const noexcept {
    return {places_, taken_.load(std::memory_order_acquire)};
  }

 private:
  std::size_t places_max_;
  unsigned shift_;                          // of the hash, to the index's size
  std::size_t mask_;                        // of the index
  std::unique_ptr<std::uint16_t[]> index_;  // place + 1; 0: free. At most half full.
  Series* places_;                          // raw memory behind those that are taken
  std::atomic<std::size_t> taken_{0};       // released behind a new one's key
};

}  // namespace sluice
