#pragma once

#include <optional>
#include <string_view>

#include "admin/field_problem.h"

namespace sluice {

// Whether an account that comes over the network may be at `base_url`: https, or with
// admin.private_upstreams http to this machine and private networks, too. Who may add accounts
// must not make the gateway ask what only it can reach (server-side request forgery). What a name
// stands for is looked at when it is connected to (parser/ip_reach.h): where that is a public
// address, http goes nowhere. Nothing: it may.
[[nodiscard]] std::optional<FieldProblem> refuse_upstream(std::string_view base_url,
                                                          bool private_allowed);

}  // namespace sluice
