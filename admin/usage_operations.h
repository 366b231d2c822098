#pragma once

#include <cstdint>
#include <functional>

#include "admin/operations.h"

namespace sluice {

// usage.recompute of all hours from `from_hour` up to, not including, `to_hour` (since 1970), call
// after call, so that what else the store's thread has to do goes on between them. `ask` has a
// gateway or a desk do each. The answer is their sum, or the first that failed.
[[nodiscard]] AdminAnswer recompute_usage(std::uint32_t from_hour, std::uint32_t to_hour,
                                          const std::function<AdminAnswer(const AdminCall&)>& ask);

}  // namespace sluice
