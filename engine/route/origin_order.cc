#include "engine/route/origin_order.h"

#include <algorithm>
#include <bit>
#include <cmath>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "engine/route/affinity.h"
#include "engine/route/origin_distances.h"
#include "engine/route/route.h"

namespace sluice {
namespace {

// lowbias32 (Wellons, 2018), of a mark and the origin's: v in steps of 2^-31.
constexpr std::uint32_t kMix1 = 0x7feb352d;
constexpr std::uint32_t kMix2 = 0x846ca68b;
constexpr double kStep = 0x1p-31;
// Takes more away than floats lose on the way.
constexpr double kLittleLess = 1 - 0x1p-20;

std::uint32_t steps_of(std::uint32_t mark, std::uint32_t seed) noexcept {
  std::uint32_t x = mark ^ seed;
  x = (x ^ (x >> 16)) * kMix1;
  x = (x ^ (x >> 15)) * kMix2;
  return (x ^ (x >> 16)) >> 1;
}

// A mark and a seed depend in all bits on all of their names'.
std::uint32_t mixed(std::uint64_t hash) noexcept {
  return static_cast<std::uint32_t>(mix(hash) >> 32);
}

#if defined(__x86_64__)

constexpr std::uint32_t kLanes = 8;
static_assert(OriginDistances::kLanes == 2 * kLanes);

[[gnu::target("avx2")]] void at_least_avx2(const std::uint32_t* marks, const float* scales,
                                           std::uint32_t seed, std::uint32_t count,
                                           float* out) noexcept {
  const __m256i seeds = _mm256_set1_epi32(static_cast<std::int32_t>(seed));
  const __m256i mix1 = _mm256_set1_epi32(static_cast<std::int32_t>(kMix1));
  const __m256i mix2 = _mm256_set1_epi32(static_cast<std::int32_t>(kMix2));
  for (std::uint32_t i = 0; i < count; i += kLanes) {
    __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(marks + i));
    x = _mm256_xor_si256(x, seeds);
    x = _mm256_mullo_epi32(_mm256_xor_si256(x, _mm256_srli_epi32(x, 16)), mix1);
    x = _mm256_mullo_epi32(_mm256_xor_si256(x, _mm256_srli_epi32(x, 15)), mix2);
    x = _mm256_srli_epi32(_mm256_xor_si256(x, _mm256_srli_epi32(x, 16)), 1);
    const __m256 scale = _mm256_loadu_ps(scales + i);
    _mm256_storeu_ps(out + i, _mm256_mul_ps(_mm256_cvtepi32_ps(x), scale));
  }
}

[[gnu::target("avx2")]] std::uint32_t first_of_lowest_avx2(const float* distances,
                                                           std::uint32_t count) noexcept {
  __m256 lowest = _mm256_loadu_ps(distances);
  __m256 other = _mm256_loadu_ps(distances + kLanes);  // so that none waits for the one before
  for (std::uint32_t i = 2 * kLanes; i < count; i += 2 * kLanes) {
    lowest = _mm256_min_ps(lowest, _mm256_loadu_ps(distances + i));
    other = _mm256_min_ps(other, _mm256_loadu_ps(distances + i + kLanes));
  }
  lowest = _mm256_min_ps(lowest, other);
  lowest = _mm256_min_ps(lowest, _mm256_permute2f128_ps(lowest, lowest, 1));
  lowest = _mm256_min_ps(lowest, _mm256_shuffle_ps(lowest, lowest, 0b01'00'11'10));
  lowest = _mm256_min_ps(lowest, _mm256_shuffle_ps(lowest, lowest, 0b10'11'00'01));
  for (std::uint32_t i = 0;; i += kLanes) {
    const __m256 same = _mm256_cmp_ps(_mm256_loadu_ps(distances + i), lowest, _CMP_EQ_OQ);
    const auto mask = static_cast<std::uint32_t>(_mm256_movemask_ps(same));
    if (mask != 0) return i + static_cast<std::uint32_t>(std::countr_zero(mask));
  }
}

bool has_avx2() noexcept {
  static const bool has = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") != 0;
  }();
  return has;
}

#endif

}  // namespace

OriginOrder::OriginOrder(std::span<const Candidate> candidates)
    : count_(static_cast<std::uint32_t>(candidates.size())),
      marks_(OriginDistances::in_whole_vectors(count_)),
      scales_(marks_.size()) {
  for (std::uint32_t i = 0; i < count_; ++i) {
    marks_[i] = mixed(candidates[i].name_hash);
    scales_[i] = static_cast<float>(kStep * kLittleLess / candidates[i].weight);
  }
}

float OriginOrder::distance(std::uint32_t seed, std::uint32_t number) const noexcept {
  const double weight_inverse = scales_[number] / (kStep * kLittleLess);
  return static_cast<float>(-std::log1p(-kStep * steps_of(marks_[number], seed)) * weight_inverse);
}

void OriginOrder::at_least(std::uint32_t seed, float* out) const noexcept {
#if defined(__x86_64__)
  if (has_avx2()) return at_least_avx2(marks_.data(), scales_.data(), seed, count_, out);
#endif
  at_least_plain(seed, out);
}

void OriginOrder::at_least_plain(std::uint32_t seed, float* out) const noexcept {
  for (std::uint32_t i = 0; i < count_; ++i)
    out[i] = static_cast<float>(static_cast<std::int32_t>(steps_of(marks_[i], seed))) * scales_[i];
}

OriginDistances::OriginDistances(const OriginOrder& order, std::uint64_t origin) noexcept
    : order_(order), seed_(mixed(origin)) {
  order.at_least(seed_, distances_.data());
  for (std::uint32_t i = size(); i < in_whole_vectors(size()); ++i) distances_[i] = kNone;
}

std::uint32_t OriginDistances::size() const noexcept { return order_.size(); }

float OriginDistances::of(std::uint32_t number) const noexcept {
  return order_.distance(seed_, number);
}

std::uint32_t OriginDistances::nearest() noexcept {
  std::uint32_t reckoned = size();  // the last one, so that its logarithm is not taken again
  while (size() != 0) {
    const std::uint32_t number = first_of_lowest(distances_.data(), size());
    if (number == reckoned) return number;
    if (!is_left(number)) break;
    const float distance = of(number);
    if (distances_[number] == distance) return number;
    distances_[number] = distance;
    reckoned = number;
  }
  return size();
}

std::uint32_t first_of_lowest(const float* distances, std::uint32_t count) noexcept {
#if defined(__x86_64__)
  if (has_avx2()) return first_of_lowest_avx2(distances, count);
#endif
  return first_of_lowest_plain(distances, count);
}

std::uint32_t first_of_lowest_plain(const float* distances, std::uint32_t count) noexcept {
  return static_cast<std::uint32_t>(std::min_element(distances, distances + count) - distances);
}

}  // namespace sluice
