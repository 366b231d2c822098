#pragma once

#include <string>
#include <string_view>

namespace sluice {

// `text` as one value of a line of CSV (RFC 4180), quoted where it must be. One that begins with
// =, +, -, @, a tab or a line end gets a ' before it: programs that calculate take it for a formula
// otherwise, and run it.
[[nodiscard]] std::string csv_text(std::string_view text);

}  // namespace sluice
