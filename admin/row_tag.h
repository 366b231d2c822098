#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "admin/operations.h"
#include "store/codec.h"

namespace sluice {

// 16 hexadecimal digits that name these bytes.
[[nodiscard]] std::string tag_of(std::string_view bytes);

// Names what is stored in a row; another one after each change. As an ETag it stands in quotes.
template <class Row>
[[nodiscard]] std::string row_tag(const Row& row) {
  std::string bytes;
  encode_row(row, bytes);
  return tag_of(bytes);
}

// Nothing: the caller has seen what has that tag now, or does not say what it has seen (if_match).
// `what`: "account \"team-a\"".
[[nodiscard]] std::optional<AdminAnswer> refuse_outdated(const AdminCall& call,
                                                         std::string_view tag,
                                                         std::string_view what);

}  // namespace sluice
