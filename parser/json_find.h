#pragma once

#include <cstddef>
#include <string_view>

namespace sluice {

// The first quote in text[at..] with `letter_a` or `letter_b` right behind it; text.size() when
// there is none. No JSON is read: what this does not find is not there, what it finds may stand
// anywhere. Half the cost of a JsonScan, for texts that mostly hold nothing.
[[nodiscard]] std::size_t find_quoted(std::string_view text, std::size_t at, char letter_a,
                                      char letter_b) noexcept;
// The same without SIMD: what other machines use, and what the tests compare with.
[[nodiscard]] std::size_t find_quoted_scalar(std::string_view text, std::size_t at, char letter_a,
                                             char letter_b) noexcept;

}  // namespace sluice
