#pragma once

#include <map>
#include <string>

#include "admin/sidecar_document.h"
#include "store/apply_import.h"

namespace sluice {

// An account of the predecessor, as its history refers to it.
struct SidecarAccountRef {
  std::string name;
  bool is_fallback = false;
};
using SidecarAccounts = std::map<std::string, SidecarAccountRef>;  // by id

// What became of the predecessor's history.
struct SidecarHistory {
  std::uint64_t requests = 0;          // of all hours
  std::uint64_t filled_days = 0;       // days that had more than their hours
  std::uint64_t joined_cooldowns = 0;  // that were one with another
};

// Under this name stands what the predecessor's days have beyond its hours: it deleted the hours of
// an account together with the account (docs/COMPAT.md, fault 27).
inline constexpr std::string_view kNoAccount = "(sidecar-v2)";

// Hours, days and cooldowns as the store has them, into `import`. An account that `accounts` does
// not know goes by its id.
//
// A day has what its hours have (store/check.h), so what a day of the predecessor has beyond them,
// both pools together, becomes an hour of its own at the begin of that day. Of cooldowns of one
// account that ran at the same time the earliest is kept, as long as the last: it was one (COMPAT,
// fault 14). One without an end ends when it was to end.
[[nodiscard]] SidecarHistory take_history(const SidecarDocument& document,
                                          const SidecarAccounts& accounts, StoreImport& import);

}  // namespace sluice
