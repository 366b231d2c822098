#pragma once

#include <cstdint>

namespace sluice {

// Demand - what a request needs: how many tokens it will use, as far as it tells, and whether it
// can wait.
struct Demand {
  static constexpr std::int64_t kUnknown = -1;

  // What to reserve, where answers have so many tokens on the average.
  [[nodiscard]] std::uint64_t units(std::uint64_t mean_completion) const noexcept {
    return prompt +
           (completion == kUnknown ? mean_completion : static_cast<std::uint64_t>(completion));
  }

  std::uint64_t prompt = 0;            // an estimate
  std::int64_t completion = kUnknown;  // at most; kUnknown: as many as the account's others use
  bool patient = false;                // leaves what is kept for urgent and high ones
};

// TokensUsed - what a request has used in truth.
struct TokensUsed {
  std::uint64_t total = 0;
  std::uint64_t completion = 0;  // of `total`
};

}  // namespace sluice
