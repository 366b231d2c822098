#pragma once

#include <string>
#include <string_view>

namespace sluice {

// A secret as it may be shown: its first 6 and last 4 characters around "****"; of 10 characters
// and fewer only the first 2. "" stays "".
[[nodiscard]] std::string redacted(std::string_view secret);

// A URL without what stands before the '@' of its authority.
[[nodiscard]] std::string without_userinfo(std::string_view url);

}  // namespace sluice
