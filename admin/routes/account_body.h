#pragma once

#include <nlohmann/json.hpp>

#include "admin/operations.h"

namespace sluice {

// The contract's BackendWrite as a call of AdminDesk (providers.add, providers.change): numbers are
// numbers and texts are texts, what is only shown is passed over; what nobody knows and what is of
// another type are faults of the call, which the desk tells with its own. The key becomes the
// call's secret. `present`: the account that is changed, as it is shown; null when there is none.
[[nodiscard]] AdminCall account_call(nlohmann::json body, const nlohmann::json& present);

}  // namespace sluice
