#pragma once

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

}  // namespace sluice
