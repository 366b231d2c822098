#pragma once

#include <cstddef>

#include "engine/shard.h"
#include "engine/task/cancel.h"
#include "engine/task/task.h"

namespace sluice {

// So many connections of a shard may be on their way out at once, with a descriptor each; those
// above are closed without a word.
inline constexpr std::size_t kRefusalsMax = 16;

// Answers a plain connection that is one too many with 503 and Retry-After, before anything is read
// from it, and closes it so that the client sees the answer (HTTP_RULES B7). Two seconds at
// most, and no longer than until `cut`.
Task<void> refuse_connection(Shard& shard, CancelSource& cut, int fd);

}  // namespace sluice
