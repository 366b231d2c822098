#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// The byte searches that a head costs, and that for the end of a JSON string, each twice: a scalar
// form that says what is searched, and one that looks at 16 bytes at a time where the machine can
// (SSE2 is part of x86-64, so nothing has to be asked at run time). Both return the same for every
// input (scan_test.cc). None reads outside `text`, all return text.size() when nothing is found;
// `from` <= text.size().

namespace sluice {

// RFC 9110 section 5.6.2. A table of the namespace: gcc 12 builds a constexpr local anew per call.
inline constexpr auto kTokenBytes = [] {
  std::array<bool, 256> table{};
  for (const char t : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(t)] = true;
  for (unsigned char t = '0'; t <= '9'; ++t) table[t] = true;
  for (unsigned char t = 'a'; t <= 'z'; ++t) table[t] = table[t - 'a' + 'A'] = true;
  return table;
}();
[[nodiscard]] constexpr bool is_token_byte(char c) noexcept {
  return kTokenBytes[static_cast<unsigned char>(c)];
}

// The token bytes that nearly all field names are made of.
[[nodiscard]] constexpr bool is_plain_name_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

// A control other than HTAB, or DEL: what no line of a head may hold, and what ends one.
[[nodiscard]] constexpr bool is_forbidden_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

// What a request target may hold (S4): visible ASCII without '#' and '\'.
[[nodiscard]] constexpr bool is_target_byte(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && byte != '#' && byte != '\\';
}

// A quote, or a backslash: what ends a stretch of a JSON string.
[[nodiscard]] constexpr bool is_string_stop(char c) noexcept { return c == '"' || c == '\\'; }

[[nodiscard]] constexpr std::size_t find_control_scalar(std::string_view text,
                                                        std::size_t from) noexcept {
  while (from < text.size() && !is_forbidden_control(text[from])) ++from;
  return from;
}

// Bit i: text[at + i] is a forbidden control, for up to kControlBits bytes; bits behind the text
// are 0.
inline constexpr std::size_t kControlBits = 64;
[[nodiscard]] constexpr std::uint64_t control_bits_scalar(std::string_view text,
                                                          std::size_t at) noexcept {
  const std::size_t bytes = text.size() - at < kControlBits ? text.size() - at : kControlBits;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    bits |= std::uint64_t{is_forbidden_control(text[at + i])} << i;
  return bits;
}

[[nodiscard]] constexpr std::size_t find_plain_name_end_scalar(std::string_view text,
                                                               std::size_t from) noexcept {
  while (from < text.size() && is_plain_name_byte(text[from])) ++from;
  return from;
}

[[nodiscard]] constexpr std::size_t find_token_end_scalar(std::string_view text,
                                                          std::size_t from) noexcept {
  while (from < text.size() && is_token_byte(text[from])) ++from;
  return from;
}

[[nodiscard]] constexpr std::size_t find_target_end_scalar(std::string_view text,
                                                           std::size_t from) noexcept {
  while (from < text.size() && is_target_byte(text[from])) ++from;
  return from;
}

[[nodiscard]] constexpr std::size_t find_string_stop_scalar(std::string_view text,
                                                            std::size_t from) noexcept {
  while (from < text.size() && !is_string_stop(text[from])) ++from;
  return from;
}

#if defined(__SSE2__)

namespace scan {

inline constexpr std::size_t kBlockBytes = 16;

inline __m128i load(const char* at) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
inline __m128i bytes_of(unsigned char byte) noexcept {
  return _mm_set1_epi8(static_cast<char>(byte));
}
// Each byte of `v` (unsigned) in low..high: 0xff, else 0.
inline __m128i in_range(__m128i v, unsigned char low, unsigned char high) noexcept {
  const __m128i shifted = _mm_sub_epi8(v, bytes_of(low));
  const __m128i span = bytes_of(static_cast<unsigned char>(high - low));
  return _mm_cmpeq_epi8(_mm_min_epu8(shifted, span), shifted);
}
inline unsigned mask_of(__m128i v) noexcept { return static_cast<unsigned>(_mm_movemask_epi8(v)); }

// Controls but HTAB, and DEL.
inline unsigned control_mask(const char* at) noexcept {
  const __m128i v = load(at);
  const __m128i control = _mm_andnot_si128(_mm_cmpeq_epi8(v, bytes_of('\t')), in_range(v, 0, 0x1f));
  return mask_of(_mm_or_si128(control, _mm_cmpeq_epi8(v, bytes_of(0x7f))));
}

// Bytes that a target may hold.
inline unsigned target_mask(const char* at) noexcept {
  const __m128i v = load(at);
  const __m128i odd =
      _mm_or_si128(_mm_cmpeq_epi8(v, bytes_of('#')), _mm_cmpeq_epi8(v, bytes_of('\\')));
  return mask_of(_mm_andnot_si128(odd, in_range(v, 0x21, 0x7e)));
}

// Quotes and backslashes.
inline unsigned string_stop_mask(const char* at) noexcept {
  const __m128i v = load(at);
  return mask_of(_mm_or_si128(_mm_cmpeq_epi8(v, bytes_of('"')), _mm_cmpeq_epi8(v, bytes_of('\\'))));
}

// Letters, digits and '-'.
inline unsigned plain_name_mask(const char* at) noexcept {
  const __m128i v = load(at);
  const __m128i letter = in_range(_mm_or_si128(v, bytes_of(0x20)), 'a', 'z');
  const __m128i rest = _mm_or_si128(in_range(v, '0', '9'), _mm_cmpeq_epi8(v, bytes_of('-')));
  return mask_of(_mm_or_si128(letter, rest));
}

// The masks of `Blocks` blocks side by side, each bit inverted if `kWanted` is false. Looking at
// several at once costs a few instructions and saves a branch that no predictor gets right: where
// among them a line or a name ends.
template <unsigned (*Mask)(const char*) noexcept, bool kWanted, unsigned Blocks>
inline std::uint64_t wide_mask(const char* at) noexcept {
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < Blocks; ++i)
    mask |= std::uint64_t{Mask(at + i * kBlockBytes)} << (i * kBlockBytes);
  constexpr std::uint64_t kAll = ~std::uint64_t{0} >> (64 - Blocks * kBlockBytes);
  return kWanted ? mask : mask ^ kAll;
}

[[nodiscard]] inline std::size_t first_bit(std::uint64_t mask) noexcept {
  return static_cast<unsigned>(std::countr_zero(mask));
}

// The first byte from `from` on whose bit in `Mask` is `kWanted`, searched by `Blocks` blocks at a
// time. The last block is read from text.size() - 16, so that no byte behind the text is touched.
template <unsigned (*Mask)(const char*) noexcept, bool kWanted, unsigned Blocks>
[[nodiscard]] inline std::size_t find_blockwise(std::string_view text, std::size_t from) noexcept {
  constexpr std::size_t kWideBytes = Blocks * kBlockBytes;
  for (; text.size() - from >= kWideBytes; from += kWideBytes) {
    const std::uint64_t mask = wide_mask<Mask, kWanted, Blocks>(text.data() + from);
    if (mask != 0) return from + first_bit(mask);
  }
  for (; text.size() - from >= kBlockBytes; from += kBlockBytes) {
    const std::uint64_t mask = wide_mask<Mask, kWanted, 1>(text.data() + from);
    if (mask != 0) return from + first_bit(mask);
  }
  if (from == text.size()) return from;
  const std::size_t last = text.size() - kBlockBytes;
  const std::uint64_t mask = wide_mask<Mask, kWanted, 1>(text.data() + last) >> (from - last);
  return mask != 0 ? from + first_bit(mask) : text.size();
}

// The bits of the bytes from `at` to the end of the text, fewer than 64; the text has a block at
// least.
template <unsigned (*Mask)(const char*) noexcept>
[[nodiscard]] inline std::uint64_t last_bits(std::string_view text, std::size_t at) noexcept {
  std::uint64_t bits = 0;
  std::size_t shift = 0;
  for (; text.size() - at >= kBlockBytes; at += kBlockBytes, shift += kBlockBytes)
    bits |= std::uint64_t{Mask(text.data() + at)} << shift;
  if (at == text.size()) return bits;
  const std::size_t last = text.size() - kBlockBytes;
  return bits | std::uint64_t{Mask(text.data() + last)} >> (at - last) << shift;
}

}  // namespace scan

// The first forbidden control from `from` on.
[[nodiscard]] inline std::size_t find_control(std::string_view text, std::size_t from) noexcept {
  if (text.size() < scan::kBlockBytes) return find_control_scalar(text, from);
  return scan::find_blockwise<scan::control_mask, true, 4>(text, from);
}

// The forbidden controls among the next 64 bytes from `at` on, as control_bits_scalar() says.
[[nodiscard]] inline std::uint64_t control_bits(std::string_view text, std::size_t at) noexcept {
  if (text.size() - at < kControlBits) {
    if (text.size() < scan::kBlockBytes) return control_bits_scalar(text, at);
    return scan::last_bits<scan::control_mask>(text, at);
  }
  return scan::wide_mask<scan::control_mask, true, 4>(text.data() + at);
}

// The first byte from `from` on that is no letter, digit or '-': the end of all usual names.
[[nodiscard]] inline std::size_t find_plain_name_end(std::string_view text,
                                                     std::size_t from) noexcept {
  if (text.size() < scan::kBlockBytes) return find_plain_name_end_scalar(text, from);
  return scan::find_blockwise<scan::plain_name_mask, false, 2>(text, from);
}

// The first byte from `from` on that may not stand in a request target.
[[nodiscard]] inline std::size_t find_target_end(std::string_view text, std::size_t from) noexcept {
  if (text.size() < scan::kBlockBytes) return find_target_end_scalar(text, from);
  return scan::find_blockwise<scan::target_mask, false, 2>(text, from);
}

// The first quote or backslash from `from` on.
[[nodiscard]] inline std::size_t find_string_stop(std::string_view text,
                                                  std::size_t from) noexcept {
  if (text.size() < scan::kBlockBytes) return find_string_stop_scalar(text, from);
  return scan::find_blockwise<scan::string_stop_mask, true, 1>(text, from);
}

#else

[[nodiscard]] inline std::size_t find_string_stop(std::string_view text,
                                                  std::size_t from) noexcept {
  return find_string_stop_scalar(text, from);
}
[[nodiscard]] inline std::size_t find_control(std::string_view text, std::size_t from) noexcept {
  return find_control_scalar(text, from);
}
[[nodiscard]] inline std::uint64_t control_bits(std::string_view text, std::size_t at) noexcept {
  return control_bits_scalar(text, at);
}
[[nodiscard]] inline std::size_t find_plain_name_end(std::string_view text,
                                                     std::size_t from) noexcept {
  return find_plain_name_end_scalar(text, from);
}
[[nodiscard]] inline std::size_t find_target_end(std::string_view text, std::size_t from) noexcept {
  return find_target_end_scalar(text, from);
}

#endif

// The end of the JSON string whose text begins at `from`: the index of its closing quote.
[[nodiscard]] inline std::size_t find_string_end(std::string_view text, std::size_t from) noexcept {
  while (from < text.size()) {
    from = find_string_stop(text, from);
    if (from == text.size() || text[from] == '"') return from;
    from += 2;  // an escape
  }
  return text.size();
}

// The first byte from `from` on that is no token byte.
[[nodiscard]] inline std::size_t find_token_end(std::string_view text, std::size_t from) noexcept {
  return find_token_end_scalar(text, find_plain_name_end(text, from));
}

// The whole of `text` is a token (RFC 9110 section 5.6.2), which is never empty.
[[nodiscard]] inline bool is_token(std::string_view text) noexcept {
  return !text.empty() && find_token_end(text, 0) == text.size();
}

// `text` without the SP and HTAB around it (OWS, RFC 9110 section 5.6.3).
[[nodiscard]] constexpr std::string_view trim_blanks(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  const char* begin = text.data();
  const char* end = begin + text.size();
  while (begin != end && blank(*begin)) ++begin;
  while (begin != end && blank(end[-1])) --end;
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace sluice
