#pragma once

#include <expected>
#include <nlohmann/json.hpp>
#include <string>

#include "admin/admin_message.h"
#include "admin/field_problem.h"

namespace sluice {

// The body as a JSON object, or what to answer. Duplicate members and nesting beyond 32 are
// refused.
[[nodiscard]] std::expected<nlohmann::json, AdminResponse> read_json_object(
    const AdminRequest& request);

[[nodiscard]] AdminResponse json_response(const nlohmann::json& body, std::uint16_t status = 200);

// 400: {"detail": `detail`, or for "" the first of them in a sentence, "code", "errors": all of
// them}.
[[nodiscard]] AdminResponse refuse_fields(const std::vector<FieldProblem>& problems,
                                          std::string detail = "",
                                          std::string_view code = "invalid",
                                          std::uint16_t status = 400);

}  // namespace sluice
