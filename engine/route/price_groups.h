#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

struct Candidate;

// PriceGroups - the candidates of one pool of a route by what they cost: those with the same price
// together, so that a request is reckoned once for each price. Many accounts have few prices.
//
// Affinity  any thread: it never changes.
// Size      4 bytes a candidate, 24 a group.
class PriceGroups {
 public:
  struct Group {
    double input;  // of one token, in 10^-12 dollars
    double output;
    std::uint32_t first;  // of its positions
    std::uint32_t last;
  };

  PriceGroups() = default;
  // Of `candidates`, the first of which has the position `first` in its route.
  PriceGroups(std::span<const Candidate> candidates, std::uint32_t first);

  // By what a token costs that is read, then by one that is written.
  [[nodiscard]] std::span<const Group> groups() const noexcept { return groups_; }
  // Rising positions in the route.
  [[nodiscard]] std::span<const std::uint32_t> positions_of(const Group& group) const noexcept {
    return std::span(positions_).subspan(group.first, group.last - group.first);
  }

 private:
  std::vector<Group> groups_;
  std::vector<std::uint32_t> positions_;
};

}  // namespace sluice
