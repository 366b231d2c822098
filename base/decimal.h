#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

// `text` ("-12.50", "1e-06", ".5") times 10^places, exactly, rounded half to even where digits are
// left: a sum of many amounts that were rounded so drifts neither way. No float in between, so
// what is written in decimal is not off by the binary fraction beside it. Nothing on any other text
// (also "nan", "inf", a '+' in front) and when the result does not fit. places: 0 to 18.
[[nodiscard]] std::optional<std::int64_t> parse_scaled_decimal(std::string_view text,
                                                               int places) noexcept;

}  // namespace sluice
