#pragma once

#include <string_view>

#include "base/arena.h"
#include "base/prng.h"

namespace sluice {

// The client's X-Request-Id when it is `[A-Za-z0-9._-]{1,128}`, else a new one: "req-" and 24 hex
// digits.
[[nodiscard]] std::string_view choose_request_id(Arena& arena, std::string_view offered,
                                                 Prng& prng);

// The traceparent for one attempt: the client's with a new span id (W3C Trace Context,
// section 3.2). One that is not of version 00 passes as it came.
[[nodiscard]] std::string_view next_trace_parent(Arena& arena, std::string_view trace_parent,
                                                 Prng& prng);

}  // namespace sluice
