#include "store/vault/token.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "tls/random.h"

namespace sluice {
namespace {

constexpr std::string_view kAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// Random bytes below 248 = 4 * 62 are taken, the others drawn again: a plain remainder would make
// the first eight characters more likely.
void fill_base62(std::span<char> out) noexcept {
  constexpr std::uint8_t kEvenBelow = 256 / kAlphabet.size() * kAlphabet.size();
  std::array<char, 64> drawn;
  std::size_t at = 0;
  while (at < out.size()) {
    random_fill(drawn);
    for (const char byte : drawn) {
      const auto value = static_cast<std::uint8_t>(byte);
      if (value < kEvenBelow && at < out.size()) out[at++] = kAlphabet[value % kAlphabet.size()];
    }
  }
  explicit_bzero(drawn.data(), drawn.size());
}

}  // namespace

Secret generate_token() {
  return Secret::written(kTokenPrefix.size() + kTokenRandomChars, [](std::span<char> out) {
    std::ranges::copy(kTokenPrefix, out.begin());
    fill_base62(out.subspan(kTokenPrefix.size()));
  });
}

bool token_matches(const Sha256Digest& digest, std::string_view offered) noexcept {
  return constant_time_equal(text_of(sha256(offered)), text_of(digest));
}

}  // namespace sluice
