#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice {

// Usage - the tokens of one exchange, in the same terms for all dialects.
struct Usage {
  std::int64_t prompt = 0;        // all that went in; cached tokens are among them
  std::int64_t completion = 0;    // all that came out; reasoning tokens are among them
  std::int64_t total = 0;         // as the provider says, else prompt + completion
  std::int64_t cached_read = 0;   // of `prompt`: read from the provider's cache
  std::int64_t cached_write = 0;  // of `prompt`: written to it
  std::int64_t reasoning = 0;     // of `completion`
  bool estimated = false;         // nothing could be read; the numbers are guesses from bytes
  bool seen = false;              // the provider told at least one number

  friend bool operator==(const Usage&, const Usage&) = default;
};

// A number of tokens as records and limits count it; providers' odd ones are none.
[[nodiscard]] inline std::uint64_t token_count(std::int64_t tokens) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(tokens, 0));
}

}  // namespace sluice
