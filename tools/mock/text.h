#pragma once

#include <string>
#include <string_view>

namespace sluice {

// Without the white space at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

// %XX becomes the byte; a '%' without two digits stays.
[[nodiscard]] std::string percent_decoded(std::string_view text);

// Standard base64 with padding (RFC 4648 section 4).
[[nodiscard]] std::string base64(std::string_view bytes);

// ASCII letters in lower case.
[[nodiscard]] std::string lower_case(std::string_view text);

// `pattern` with '*' for any text, the rest literally.
[[nodiscard]] bool wildcard_match(std::string_view pattern, std::string_view text);

// The value of `name` in "a=b&c=d", percent-decoded; empty without it.
[[nodiscard]] std::string query_value(std::string_view query, std::string_view name);

}  // namespace sluice
