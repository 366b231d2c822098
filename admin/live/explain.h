#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace sluice {

class ControlRoom;

// Why a request went where it went (Explanation of admin/openapi.json): its steps as its shard has
// kept them, and the candidates that each decision had before it. Nothing: no shard has it any
// more.
[[nodiscard]] std::optional<nlohmann::json> explain_request(ControlRoom& room,
                                                            std::string_view request_id);

}  // namespace sluice
