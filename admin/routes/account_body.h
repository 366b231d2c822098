#pragma once

#include <expected>
#include <nlohmann/json.hpp>

#include "admin/admin_message.h"
#include "admin/operations.h"

namespace sluice {

// The contract's BackendWrite as a call of AdminDesk (providers.add, providers.change): numbers are
// numbers and texts are texts, what is only shown is passed over, what nobody knows is refused. The
// key becomes the call's secret. `present`: the account that is changed, as it is shown; null when
// there is none.
[[nodiscard]] std::expected<AdminCall, AdminResponse> account_call(nlohmann::json body,
                                                                   const nlohmann::json& present);

}  // namespace sluice
