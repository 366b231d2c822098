#pragma once

#include <string>
#include <string_view>

namespace sluice {

// A secret as it may be shown: its first 6 and last 4 characters around "****"; of less than 24
// characters only the first 2 (docs/COMPAT.md, Redaction). "" stays "".
[[nodiscard]] std::string redacted(std::string_view secret);

// A URL without what stands before the '@' of its authority.
[[nodiscard]] std::string without_userinfo(std::string_view url);

}  // namespace sluice
