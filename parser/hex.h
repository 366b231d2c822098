#pragma once

#include <cstddef>
#include <string_view>

namespace sluice {

// The value of a hex digit of either case, or -1.
[[nodiscard]] constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that two hex digits at text[at] name, or -1 when there are no two.
[[nodiscard]] constexpr int hex_pair(std::string_view text, std::size_t at) noexcept {
  if (text.size() < 2 || at > text.size() - 2) return -1;
  const int high = hex_digit(text[at]);
  const int low = hex_digit(text[at + 1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace sluice
