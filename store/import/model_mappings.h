#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// ImportedModel - one entry of an account's model_mappings. Costs in millionths of a dollar for a
// million tokens, which is the unit of prices here (engine/route/account.h, Price).
struct ImportedModel {
  std::string canonical;
  std::string native;
  std::int64_t cost_input = 0;
  std::int64_t cost_output = 0;

  friend bool operator==(const ImportedModel&, const ImportedModel&) = default;
};

// Reads `{canonical: {native_id, cost {input, output}, ...}}`, costs in dollars for a token; also
// `{canonical: "native"}`. Members that have no meaning here are passed over. The error tells what
// is wrong, and where.
[[nodiscard]] std::expected<std::vector<ImportedModel>, std::string> parse_model_mappings(
    std::string_view json);

}  // namespace sluice
