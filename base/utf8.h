#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// One character at the front of a text: its code point and how many bytes it takes (1-4), or
// bytes == 0 when the front is no well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms,
// nothing above U+10FFFF) or the text is empty.
struct Utf8Char {
  std::uint32_t code = 0;
  std::uint32_t bytes = 0;
};

[[nodiscard]] Utf8Char first_utf8(std::string_view text) noexcept;

// The offset of the first byte that begins no well-formed character; npos when all of `text` is
// well-formed.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text) noexcept;

}  // namespace sluice
