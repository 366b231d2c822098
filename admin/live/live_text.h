#pragma once

#include <span>
#include <string>
#include <vector>

#include "admin/live/live_watch.h"

namespace sluice {

// What is written of figures, as JSON (admin/openapi.json).

// What does not change of a BackendLive, from its opening brace on: "{"id":...,".
[[nodiscard]] std::string account_part(const Account& account, const TaggedAccounts& names);
[[nodiscard]] std::string account_part(const UnopenedAccount& account, const TaggedAccounts& names);
// The rest of it, to its closing brace.
void append_account(std::string& out, const AccountView& view, Health health, std::int64_t unix_ms);

// A whole Snapshot. `parts` and `order` are those of the figures' accounts, then the unopened ones.
void append_snapshot(std::string& out, const LiveFigures& figures,
                     std::span<const std::string> parts, std::span<const std::uint32_t> order,
                     const HealthBoard& health);

// Members of several documents, with their braces.
void append_queue(std::string& out, const LiveFigures& figures);
void append_token_bucket(std::string& out, const LiveFigures& figures);
void append_retreat(std::string& out, const LiveFigures& figures);
void append_per_priority(std::string& out, const std::array<std::uint64_t, kPriorities>& counts);
// A number, or null.
void append_number(std::string& out, const std::optional<double>& value);

}  // namespace sluice
