#include "parser/json_scan.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>
#include <cstring>

namespace sluice {

namespace {

constexpr std::size_t kBlockBytes = 64;

// Bit i: whether an odd number of the bits 0..i is set. With a carry-less multiplication this is
// one instruction, but not one that every x86-64 has.
std::uint64_t prefix_xor(std::uint64_t bits) noexcept {
  for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

// Bit i: byte i follows a backslash that is not itself escaped. Runs of backslashes are told apart
// by where they begin: an addition carries each run to the bit behind it (Langdale and Lemire,
// "Parsing Gigabytes of JSON per Second", 2019, section 3.1.1). `escaped` says so for bit 0 at
// first and for byte `bytes` when done.
std::uint64_t escaped_bytes(std::uint64_t backslashes, std::size_t bytes,
                            std::uint64_t& escaped) noexcept {
  if (backslashes == 0) {
    const std::uint64_t first = escaped;
    escaped = 0;
    return first;
  }
  constexpr std::uint64_t kEvenBits = 0x5555555555555555;
  const std::uint64_t carry = escaped;
  backslashes &= ~carry;
  const std::uint64_t follows = backslashes << 1 | carry;
  const std::uint64_t odd_starts = backslashes & ~kEvenBits & ~follows;
  std::uint64_t even_runs = 0;
  const bool overflow = __builtin_add_overflow(odd_starts, backslashes, &even_runs);
  const std::uint64_t result = (kEvenBits ^ even_runs << 1) & follows;
  escaped = bytes == kBlockBytes ? (overflow ? 1 : 0) : result >> bytes & 1;
  return result;
}

std::int64_t count(std::uint64_t bits) noexcept {
  return static_cast<std::int64_t>(std::popcount(bits));
}

}  // namespace

JsonBlock read_json_block_scalar(const char* bytes, char letter_a, char letter_b) noexcept {
  JsonBlock block;
  for (unsigned i = 0; i < kBlockBytes; ++i) {
    const char c = bytes[i];
    const std::uint64_t bit = std::uint64_t{1} << i;
    if (c == '"') block.quotes |= bit;
    if (c == '\\') block.backslashes |= bit;
    if (c == '{' || c == '[') block.opens |= bit;
    if (c == '}' || c == ']') block.closes |= bit;
    if (c == letter_a || c == letter_b) block.letters |= bit;
  }
  return block;
}

#if defined(__SSE2__)
JsonBlock read_json_block(const char* bytes, char letter_a, char letter_b) noexcept {
  JsonBlock block;
  const auto put = [](std::uint64_t& mask, __m128i hits, unsigned at) {
    mask |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(hits))) << at;
  };
  const auto equal = [](__m128i data, char c) { return _mm_cmpeq_epi8(data, _mm_set1_epi8(c)); };
  for (unsigned at = 0; at < kBlockBytes; at += 16) {
    const __m128i data = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + at));
    // [ and ] become { and }; nothing else does.
    const __m128i curly = _mm_or_si128(data, _mm_set1_epi8(0x20));
    put(block.quotes, equal(data, '"'), at);
    put(block.backslashes, equal(data, '\\'), at);
    put(block.opens, equal(curly, '{'), at);
    put(block.closes, equal(curly, '}'), at);
    put(block.letters, _mm_or_si128(equal(data, letter_a), equal(data, letter_b)), at);
  }
  return block;
}
#else
JsonBlock read_json_block(const char* bytes, char letter_a, char letter_b) noexcept {
  return read_json_block_scalar(bytes, letter_a, letter_b);
}
#endif

JsonScan::Step JsonScan::seek(std::string_view in) noexcept {
  std::size_t at = 0;
  while (at < in.size()) {
    const std::size_t bytes = in.size() - at < kBlockBytes ? in.size() - at : kBlockBytes;
    char tail[kBlockBytes];
    const char* data = in.data() + at;
    if (bytes < kBlockBytes) {
      std::memset(tail, ' ', kBlockBytes);
      std::memcpy(tail, data, bytes);
      data = tail;
    }
    const JsonBlock block = read_json_block(data, letter_a_, letter_b_);
    const std::uint64_t quotes = block.quotes & ~escaped_bytes(block.backslashes, bytes, escaped_);
    const std::uint64_t inside = prefix_xor(quotes) ^ in_string_;
    const std::uint64_t opens = block.opens & ~inside;
    const std::uint64_t closes = block.closes & ~inside;
    const std::uint64_t last = std::uint64_t{1} << (bytes - 1);
    std::uint64_t candidates = quotes & inside & (block.letters >> 1 | last);
    for (; candidates != 0; candidates &= candidates - 1) {
      const std::uint64_t below = (candidates & (~candidates + 1)) - 1;
      const std::int64_t depth = depth_ + count(opens & below) - count(closes & below);
      if (depth > depth_max_) continue;
      depth_ = depth;
      in_string_ = ~std::uint64_t{0};
      escaped_ = 0;
      return {at + static_cast<std::size_t>(std::countr_zero(candidates)) + 1, true};
    }
    depth_ += count(opens) - count(closes);
    in_string_ = static_cast<std::uint64_t>(static_cast<std::int64_t>(inside) >> 63);
    at += bytes;
  }
  return {at, false};
}

}  // namespace sluice
