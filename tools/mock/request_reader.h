#pragma once

#include <optional>

#include "tools/mock/connection.h"

namespace sluice {

// Reads the next request head. Nothing when the connection ended or idled too long; `why` has a
// status when the head was refused.
Task<std::optional<MockRequest>> read_request_head(Shard& shard, MockConnection& connection,
                                                   Refusal& why);

// Reads the body that the head announces into `request.body`; false when it did not come whole.
Task<bool> read_request_body(Shard& shard, MockConnection& connection, MockRequest& request);

}  // namespace sluice
