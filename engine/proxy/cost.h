#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "engine/llm/usage.h"
#include "engine/route/account.h"

namespace sluice {

// What `usage` costs at this price, in nano-dollars, rounded half up. Cached tokens are among the
// prompt's and have prices of their own. What no price list can mean ends at the largest number.
[[nodiscard]] inline std::int64_t cost_nano_dollars(const Price& price,
                                                    const Usage& usage) noexcept {
  using Wide = unsigned __int128;  // 2^63 tokens at 2^40 each
  const auto count = [](std::int64_t tokens) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(tokens, 0));
  };
  const std::uint64_t prompt = count(usage.prompt);
  const std::uint64_t read = std::min(count(usage.cached_read), prompt);
  const std::uint64_t written = std::min(count(usage.cached_write), prompt - read);
  const Wide pico = Wide{price.input} * (prompt - read - written) + Wide{price.cached_read} * read +
                    Wide{price.cached_write} * written +
                    Wide{price.output} * count(usage.completion);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  const Wide nano = (pico + 500) / 1000;
  return nano > Wide{kMost} ? kMost : static_cast<std::int64_t>(nano);
}

}  // namespace sluice
