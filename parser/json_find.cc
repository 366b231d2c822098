#include "parser/json_find.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>
#include <cstdint>

namespace sluice {

std::size_t find_quoted_scalar(std::string_view text, std::size_t at, char letter_a,
                               char letter_b) noexcept {
  for (; at + 1 < text.size(); ++at)
    if (text[at] == '"' && (text[at + 1] == letter_a || text[at + 1] == letter_b)) return at;
  return text.size();
}

#if defined(__SSE2__)
std::size_t find_quoted(std::string_view text, std::size_t at, char letter_a,
                        char letter_b) noexcept {
  constexpr std::size_t kStep = 16;
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i a = _mm_set1_epi8(letter_a);
  const __m128i b = _mm_set1_epi8(letter_b);
  const auto hits_at = [&](std::size_t i) {
    const auto* const bytes = reinterpret_cast<const __m128i*>(text.data() + i);
    const auto* const behind = reinterpret_cast<const __m128i*>(text.data() + i + 1);
    const __m128i quotes = _mm_cmpeq_epi8(_mm_loadu_si128(bytes), quote);
    const __m128i letters = _mm_loadu_si128(behind);
    return _mm_and_si128(quotes,
                         _mm_or_si128(_mm_cmpeq_epi8(letters, a), _mm_cmpeq_epi8(letters, b)));
  };
  // Two vectors and the byte behind them.
  for (; at + 2 * kStep < text.size(); at += 2 * kStep) {
    const __m128i low = hits_at(at);
    const __m128i high = hits_at(at + kStep);
    if (_mm_movemask_epi8(_mm_or_si128(low, high)) == 0) continue;
    const auto hits = static_cast<std::uint32_t>(_mm_movemask_epi8(low)) |
                      static_cast<std::uint32_t>(_mm_movemask_epi8(high)) << kStep;
    return at + static_cast<std::size_t>(std::countr_zero(hits));
  }
  return find_quoted_scalar(text, at, letter_a, letter_b);
}
#else
std::size_t find_quoted(std::string_view text, std::size_t at, char letter_a,
                        char letter_b) noexcept {
  return find_quoted_scalar(text, at, letter_a, letter_b);
}
#endif

}  // namespace sluice
