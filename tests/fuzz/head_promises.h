#pragma once

#include <functional>
#include <string_view>

#include "base/assert.h"
#include "base/prng.h"
#include "parser/http1_common.h"
#include "parser/scan.h"

// What must hold for every head that a parser accepts, whatever the input.

namespace sluice {

inline bool lies_in(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> not_behind;
  return not_behind(whole.data(), part.data()) &&
         not_behind(part.data() + part.size(), whole.data() + whole.size());
}

inline void check_fields(std::string_view head, const FieldList& fields) {
  SL_ASSERT(fields.count <= kFieldsMax);
  for (const Field& field : fields) {
    SL_ASSERT(lies_in(field.name, head) && lies_in(field.value, head));
    SL_ASSERT(is_token(field.name));
    SL_ASSERT(field.id == field_id(field.name));
    SL_ASSERT(field.drop || !is_hop_by_hop(field.id));
    SL_ASSERT(find_control(field.value, 0) == field.value.size());
    SL_ASSERT(trim_blanks(field.value).size() == field.value.size());
  }
}

inline void check_same_fields(const FieldList& a, const FieldList& b) {
  SL_ASSERT(a.count == b.count);
  for (std::uint32_t i = 0; i < a.count; ++i) {
    SL_ASSERT(a.items[i].name == b.items[i].name && a.items[i].value == b.items[i].value);
    SL_ASSERT(a.items[i].id == b.items[i].id && a.items[i].drop == b.items[i].drop);
  }
}

// Parses ever longer beginnings of `input`; where they end is decided by the input itself, so that
// the same input is always cut the same way.
template <class Parse>
HeadState parse_in_pieces(std::string_view input, Parse&& parse) {
  Prng random(std::hash<std::string_view>{}(input));
  std::size_t bytes = 0;
  while (true) {
    bytes = std::min<std::size_t>(input.size(), bytes + random.below(random.below(64) + 1) + 1);
    const HeadState state = parse(input.substr(0, bytes));
    if (state != HeadState::kIncomplete || bytes == input.size()) return state;
  }
}

}  // namespace sluice
