#pragma once

#include <cstddef>
#include <string_view>

#include "base/arena.h"

namespace sluice {

// Decodes what stands between the quotes of a JSON string (RFC 8259 section 7) into `out`, which
// has room for raw.size() bytes: the result is never longer. False on an unknown escape and on half
// a surrogate pair, which has no UTF-8.
[[nodiscard]] bool decode_json_string(std::string_view raw, char* out, std::size_t& size) noexcept;

// `text` as a JSON string with its quotes, in the arena. `text` is UTF-8.
[[nodiscard]] std::string_view encode_json_string(std::string_view text, Arena& arena);

}  // namespace sluice
