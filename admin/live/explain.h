#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "store/usage_keys.h"

namespace sluice {

class ControlRoom;

// Why a request went where it went (Explanation of admin/openapi.json): its steps as its shard has
// kept them, and the candidates that each decision had before it; of several of one id the one that
// has that row, or the latest. Nothing: no shard has it any more.
[[nodiscard]] std::optional<nlohmann::json> explain_request(ControlRoom& room,
                                                            std::string_view request_id,
                                                            const std::optional<RequestKey>& row);

}  // namespace sluice
