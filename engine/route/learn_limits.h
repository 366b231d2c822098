#pragma once

#include "engine/route/effective_limits.h"
#include "parser/rate_limit_fields.h"

namespace sluice {

// The limit for one `window`, when that is what the provider told. The fields name no window, but
// what was used comes back evenly: when a part of the limit needs `reset`, the whole of it needs so
// many times longer, and that must be between half a window and two. So a limit for a day or for a
// second is not taken for one of this window.
[[nodiscard]] std::optional<std::uint32_t> limit_for(const RateLimit& told,
                                                     Duration window) noexcept;

// Until when nothing is left of one of the limits that were told, whatever its window; `now` when
// something is left of each, or nobody told. No later than the longest cooldown: a provider that is
// wrong about it costs minutes, not a month.
[[nodiscard]] Instant nothing_left_until(const RateLimitFields& told, Instant now,
                                         Duration longest) noexcept;

}  // namespace sluice
