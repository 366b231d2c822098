#pragma once

namespace sluice {

// Makes the calling thread one that works beside the shards: gives it a name, for `top -H`, of at
// most 15 bytes, and turns of a tenth of a millisecond (Linux 6.12; nothing on older ones). Where
// it shares a core with a shard, as it does once every core has one, a request waits that long for
// it and not until its work is done.
void begin_side_thread(const char* name) noexcept;

}  // namespace sluice
