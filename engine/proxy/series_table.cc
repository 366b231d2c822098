#include "engine/proxy/series_table.h"

#include <bit>

#include "base/assert.h"

namespace sluice {

SeriesTable::SeriesTable(std::size_t places_max)
    : places_max_(places_max), places_(std::allocator<Series>().allocate(places_max)) {
  SL_ASSERT(places_max > 0 && places_max <= kPlacesMax);
  const std::size_t slots = std::bit_ceil(places_max * 2);
  mask_ = slots - 1;
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(slots));
  index_ = std::make_unique<std::uint16_t[]>(slots);
}

// A Series needs no destructor.
SeriesTable::~SeriesTable() { std::allocator<Series>().deallocate(places_, places_max_); }

bool SeriesTable::count(std::uint64_t key, std::size_t reserved) noexcept {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;  // 2^64 / phi: Fibonacci hashing
  const std::size_t taken = taken_.load(std::memory_order_relaxed);
  std::size_t slot = (key * kGolden) >> shift_;
  while (index_[slot] != 0) {
    Series& series = places_[index_[slot] - 1];
    if (series.key == key) {
      ++series.count;
      return true;
    }
    slot = (slot + 1) & mask_;
  }
  if (taken + reserved >= places_max_) return false;
  std::construct_at(places_ + taken, Series{.key = key, .count = 1});
  index_[slot] = static_cast<std::uint16_t>(taken + 1);
  taken_.store(taken + 1, std::memory_order_release);
  return true;
}

}  // namespace sluice
