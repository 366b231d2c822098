#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

class OriginDistances;
struct Candidate;

// OriginOrder - in which order each origin asks the candidates of a pool: weighted rendezvous
// hashing (Thaler and Ravishankar, 1998). A candidate is -ln(1 - v) / weight away, with v drawn
// evenly from [0, 1) by the hash of both names. So it is the nearest of as many origins as its
// weight says; and as no distance depends on the other candidates, one that comes or goes moves no
// origin but its own. All shards and all runs agree on it.
//
// Affinity  any thread: it never changes.
// Size      8 bytes a candidate.
// Cost      bench/route_bench, ladder_by_origin: of each candidate the hash, eight at once, and of
//           few the logarithm, for v / weight is no more than that.
class OriginOrder {
 public:
  OriginOrder() = default;
  explicit OriginOrder(std::span<const Candidate> candidates);

  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }

  // Of the candidate with that number.
  [[nodiscard]] float distance(std::uint32_t seed, std::uint32_t number) const noexcept;
  // Of all of them something less than that, in whole vectors; what is behind the last is for the
  // caller to overwrite.
  void at_least(std::uint32_t seed, float* out) const noexcept;
  // The same for any processor: what at_least() does where there is no AVX2.
  void at_least_plain(std::uint32_t seed, float* out) const noexcept;

 private:
  std::uint32_t count_ = 0;
  // In whole vectors.
  std::vector<std::uint32_t> marks_;  // what is hashed of the names
  std::vector<float> scales_;         // 1 / weight, in steps of v and a little less
};

}  // namespace sluice
