#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/llm/usage.h"
#include "engine/route/account.h"
#include "store/rate.h"

namespace sluice {

// An account's price in the store's unit: millionths of a dollar there, nano-dollars here.
[[nodiscard]] inline ModelRate rate_of(const Price& price) noexcept {
  constexpr std::uint64_t kNanoPerMicro = 1000;
  return {.input = price.input * kNanoPerMicro,
          .output = price.output * kNanoPerMicro,
          .cached_read = price.cached_read * kNanoPerMicro,
          .cached_write = price.cached_write * kNanoPerMicro};
}

// What `usage` costs at this price, in nano-dollars.
[[nodiscard]] inline std::int64_t cost_nano_dollars(const Price& price,
                                                    const Usage& usage) noexcept {
  const std::uint64_t cost =
      cost_of(rate_of(price), {.prompt = token_count(usage.prompt),
                               .completion = token_count(usage.completion),
                               .cached_read = token_count(usage.cached_read),
                               .cached_write = token_count(usage.cached_write)});
  return static_cast<std::int64_t>(std::min<std::uint64_t>(cost, INT64_MAX));
}

}  // namespace sluice
