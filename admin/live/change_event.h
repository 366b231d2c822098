#pragma once

#include <optional>
#include <string>

#include "admin/live/event_ring.h"
#include "admin/operations.h"

namespace sluice {

// What is told of a change of the store that was made, without its time; nothing of others. An
// account's backend_id is "" where TaggedAccounts has it.
[[nodiscard]] std::optional<Event> event_of(const AdminCall& call, const AdminAnswer& answer);

}  // namespace sluice
