#pragma once

#include <optional>
#include <string>

#include "admin/live/event_ring.h"
#include "admin/operations.h"

namespace sluice {

// What is told of a change of the store that was made; nothing of others.
struct ChangeEvent {
  EventKind kind;
  std::string text;
  std::string account, client;  // "": it is about none, or about many
  std::string backend_id;       // of the account; "": as TaggedAccounts has it
};
[[nodiscard]] std::optional<ChangeEvent> event_of(const AdminCall& call, const AdminAnswer& answer);

}  // namespace sluice
