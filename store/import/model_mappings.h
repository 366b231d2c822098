#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "store/account_rows.h"

namespace sluice {

// MappingFault - one thing that is wrong with model_mappings.
struct MappingFault {
  std::string field;    // "gpt-4o.cost.input"; "": the whole
  std::string problem;  // `"free" is no amount of dollars`
  std::string mend;     // `give dollars for one token, like 0.0000025`

  [[nodiscard]] std::string text() const;
};

// What becomes of members that have no meaning here.
enum class StrangeMembers : bool { kPassedOver, kRefused };

// Reads `{canonical: {native_id, reasoning, reasoning_effort, input_modalities, cost {input,
// output, cacheRead, cacheWrite}, context_window, max_tokens, compat}}`, costs in dollars for a
// token; also `{canonical: "native"}`. Who is given no native_id is called by its own name. For the
// administration API and for the predecessor's database. All faults are told; whether names are
// such as we take is said by engine/config/account_fields.h.
[[nodiscard]] std::expected<std::vector<StoredMapping>, std::vector<MappingFault>>
parse_model_mappings(std::string_view json, StrangeMembers strange = StrangeMembers::kPassedOver);

}  // namespace sluice
