#include "store/rate.h"

#include <algorithm>

namespace sluice {
namespace {

// 2^64 tokens at 2^64 each, four times, would not fit in 128 bits. No count of ours comes near
// this, and one that does costs the largest number anyway.
constexpr std::uint64_t kTokensMax = std::uint64_t{1} << 61;

}  // namespace

std::uint64_t cost_of(const ModelRate& rate, const PricedTokens& tokens) noexcept {
  __extension__ using Wide = unsigned __int128;
  constexpr Wide kMillion = 1'000'000;
  const auto part = [](std::uint64_t count, std::uint64_t each) {
    return Wide{std::min(count, kTokensMax)} * each;
  };
  std::uint64_t plain = tokens.prompt;
  plain -= std::min(plain, tokens.cached_read);
  plain -= std::min(plain, tokens.cached_write);
  const Wide sum = part(plain, rate.input) + part(tokens.completion, rate.output) +
                   part(tokens.cached_read, rate.cached_read.value_or(rate.input)) +
                   part(tokens.cached_write, rate.cached_write.value_or(rate.input));
  const Wide cost = (sum + kMillion / 2) / kMillion;
  return cost > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(cost);
}

}  // namespace sluice
