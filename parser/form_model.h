#pragma once

#include <string_view>

namespace sluice {

// The value of the field `model` in a multipart/form-data body (RFC 7578), or "" when the content
// type is another one, the field is missing, is a file, is longer than kFormModelBytesMax, or comes
// twice (J2, J5). A view into `body`.
[[nodiscard]] std::string_view find_form_model(std::string_view body,
                                               std::string_view content_type) noexcept;

inline constexpr std::size_t kFormModelBytesMax = 1024;  // as for JSON bodies

}  // namespace sluice
