#pragma once

#include <string_view>

#include "parser/http1_common.h"

namespace sluice {

// Target - a request target taken apart (RFC 9112 section 3.2). Views into the target, but for a
// static "/" or "*" where an absolute-form has no path.
struct Target {
  std::string_view path;
  std::string_view query;      // without the '?'
  std::string_view authority;  // of an absolute-form, else empty
  bool has_query = false;
};

// S4, S5: origin-form, absolute-form and, for OPTIONS, '*'. Expects the bytes of `text` to be
// target bytes (scan.h).
[[nodiscard]] bool parse_target(Method method, std::string_view text, Target& out,
                                Refusal& why) noexcept;

// S5: whether `path` holds no %00, no encoded slash, no malformed escape and no dot segment, so
// that no one further on can read another path into it. On failure `why` says which. Below
// /v1/models/ and /api/admin/, which nobody further on sees, a slash may be encoded.
[[nodiscard]] bool check_path(std::string_view path, std::string_view& why) noexcept;

}  // namespace sluice
