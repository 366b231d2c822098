#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice {

// How many characters must be inserted, removed, replaced or swapped with their neighbour to make
// `a` of `b` (optimal string alignment). Time and memory |a| * |b|.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate that `word` was probably meant to be, or "" when none is near: at most one edit for
// each three characters, and never more than three. A member of an account that has another name
// in the configuration file, the provider file or the API ("api" and "dialect") is meant by it.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string> candidates);

// `; did you mean "accounts"?`, or "" when no candidate is near.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string> candidates);

}  // namespace sluice
