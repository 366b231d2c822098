#pragma once

#include <cstdint>
#include <optional>

namespace sluice {

// ModelRate - of a million tokens, in nano-dollars: a provider's dollars per token times 10^15, so
// that no price in use loses a digit (0.15 $ a million is 150,000,000), and what
// engine/route/account.h counts times 1000. Cached tokens without a rate of their own cost as much
// as others.
struct ModelRate {
  std::uint64_t input = 0;
  std::uint64_t output = 0;
  std::optional<std::uint64_t> cached_read;
  std::optional<std::uint64_t> cached_write;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.input, row.output, row.cached_read, row.cached_write);
  }
  friend bool operator==(const ModelRate&, const ModelRate&) = default;
};

// The tokens that a price is for. Cached ones are among `prompt`.
struct PricedTokens {
  std::uint64_t prompt = 0;
  std::uint64_t completion = 0;
  std::uint64_t cached_read = 0;
  std::uint64_t cached_write = 0;
};

// In nano-dollars, rounded once, half up; the largest number when it does not fit. More cached
// tokens than prompt tokens are an odd provider's: they cost, the prompt then does not.
[[nodiscard]] std::uint64_t cost_of(const ModelRate& rate, const PricedTokens& tokens) noexcept;

}  // namespace sluice
