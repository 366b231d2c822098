#pragma once

#include <expected>

#include "base/error.h"

namespace sluice {

// Result - a value or an Error. Not used below parser/, whose fuzzers are built by a clang without
// std::expected.
template <class T>
using Result = std::expected<T, Error>;

// The failed Result: `return fail(Errc::kTimedOut, Side::kUpstream);`
[[nodiscard]] inline std::unexpected<Error> fail(Errc code, Side side,
                                                 Retry retry = Retry::kUnsafe) {
  return std::unexpected(Error{.code = code, .side = side, .retry = retry, .os_errno = 0});
}
[[nodiscard]] inline std::unexpected<Error> fail(const Error& error) {
  return std::unexpected(error);
}

}  // namespace sluice
