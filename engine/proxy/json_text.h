#pragma once

#include <string_view>

#include "base/arena.h"

namespace sluice {

// `text` as the inside of a JSON string (RFC 8259 section 7): quotes, backslashes and controls are
// escaped. A copy in the arena, at most six times as long. Bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string_view escape_json(Arena& arena, std::string_view text);

// "null" for an empty text, else the text in quotes.
[[nodiscard]] std::string_view quote_or_null(Arena& arena, std::string_view text);

}  // namespace sluice
