#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// Base64 (RFC 4648, sections 4 and 5), '=' at the end as due or left out. Nothing on any other
// character, on a length that cannot be and on bits behind the last byte that are not 0.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace sluice
