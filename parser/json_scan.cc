#include "parser/json_scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace sluice {

namespace {

using Wanted = JsonScan::Wanted;
using Place = JsonScan::Place;
using Step = JsonScan::Step;

constexpr std::size_t kBlockBytes = 64;

// JsonBlock - 64 bytes as bit masks, bit i for byte i.
struct JsonBlock {
  std::uint64_t quotes = 0;
  std::uint64_t backslashes = 0;
  std::uint64_t opens = 0;    // { and [
  std::uint64_t closes = 0;   // } and ]
  std::uint64_t letters = 0;  // one of the two letters asked for
};

// Window - the 64 bytes to read for a block, and how many of them, at their start, are not part of
// it.
struct Window {
  const char* bytes;
  unsigned skipped;
};

// For the block of `bytes` bytes at in[at]. A short one at the end is read together with the bytes
// before it where there are enough, else copied between blanks.
[[gnu::always_inline]] inline Window window_at(std::string_view in, std::size_t at,
                                               std::size_t bytes,
                                               std::array<char, kBlockBytes>& copy) noexcept {
  if (bytes == kBlockBytes) return {in.data() + at, 0};
  if (in.size() >= kBlockBytes)
    return {in.data() + in.size() - kBlockBytes, static_cast<unsigned>(kBlockBytes - bytes)};
  copy.fill(' ');
  std::memcpy(copy.data(), in.data() + at, bytes);
  return {copy.data(), 0};
}

// The quotes that no backslash escapes. Runs of backslashes are told apart by where they begin: an
// addition carries each run to the bit behind it (Langdale and Lemire, "Parsing Gigabytes of JSON
// per Second", 2019, section 3.1.1).
[[gnu::always_inline]] inline std::uint64_t real_quotes(Place& place, const JsonBlock& block,
                                                        std::size_t bytes) noexcept {
  const std::uint64_t carry = std::exchange(place.escaped, 0);
  const std::uint64_t backslashes = block.backslashes & ~carry;
  if (backslashes == 0) return block.quotes & ~carry;
  constexpr std::uint64_t kEvenBits = 0x5555555555555555;
  const std::uint64_t follows = backslashes << 1 | carry;
  const std::uint64_t odd_starts = backslashes & ~kEvenBits & ~follows;
  std::uint64_t even_runs = 0;
  const bool overflow = __builtin_add_overflow(odd_starts, backslashes, &even_runs);
  const std::uint64_t escaped = (kEvenBits ^ even_runs << 1) & follows;
  // A branch, so that no block waits for what came of the one before it.
  if ((backslashes >> (bytes - 1) & 1) != 0) [[unlikely]]
    place.escaped = bytes == kBlockBytes ? (overflow ? 1 : 0) : escaped >> bytes & 1;
  return block.quotes & ~escaped;
}

[[gnu::always_inline]] inline std::int64_t count(std::uint64_t bits) noexcept {
  return static_cast<std::int64_t>(__builtin_popcountll(bits));
}

// Whether `in` begins with `name`, or ends before that can be told. Names are a few bytes: a loop
// is cheaper than a call of memcmp.
[[gnu::always_inline]] inline bool may_begin_with(std::string_view in,
                                                  std::string_view name) noexcept {
  const std::size_t bytes = in.size() < name.size() ? in.size() : name.size();
  std::size_t at = 0;
  while (at < bytes && in.data()[at] == name.data()[at]) ++at;
  return at == bytes;
}

// Part of its callers: gcc 12 forgets over a call of a local function that the vector registers'
// upper halves are in use, does not clear them at the end (vzeroupper), and each change between
// AVX and SSE instructions takes 60 ns from there on.
[[gnu::always_inline]] inline bool may_be_name(const Wanted& wanted, std::string_view in) noexcept {
  return may_begin_with(in, wanted.name_a) || may_begin_with(in, wanted.name_b);
}

// Moves `place` over the block in[at, at + bytes) up to the first string that is asked for, or to
// its end. `inside` has a bit for each byte of a string, with its opening quote. Returns how many
// bytes that are, with the opening quote; 0 when there is none.
[[gnu::always_inline]] inline std::size_t walk_block(const Wanted& wanted, Place& place,
                                                     std::string_view in, std::size_t at,
                                                     std::size_t bytes, const JsonBlock& block,
                                                     std::uint64_t quotes,
                                                     std::uint64_t inside) noexcept {
  const std::uint64_t opens = block.opens & ~inside;
  const std::uint64_t closes = block.closes & ~inside;
  const std::uint64_t last = std::uint64_t{1} << (bytes - 1);
  std::uint64_t candidates = quotes & inside & (block.letters >> 1 | last);
  for (; candidates != 0; candidates &= candidates - 1) {
    const std::uint64_t below = (candidates & (~candidates + 1)) - 1;
    const std::int64_t depth = place.depth + count(opens & below) - count(closes & below);
    const auto passed = static_cast<std::size_t>(std::countr_zero(candidates)) + 1;
    if (depth > wanted.depth_max || !may_be_name(wanted, in.substr(at + passed))) continue;
    place.depth = depth;
    place.in_string = ~std::uint64_t{0};
    place.escaped = 0;
    return passed;
  }
  if ((opens | closes) != 0) place.depth += count(opens) - count(closes);
  place.in_string = static_cast<std::uint64_t>(static_cast<std::int64_t>(inside) >> 63);
  return 0;
}

// A block without quotes within a string, as most are of an answer in prose: nothing else in it
// counts.
[[gnu::always_inline]] inline bool lies_in_string(const Place& place,
                                                  std::uint64_t quotes) noexcept {
  return quotes == 0 && place.in_string != 0;
}

// The same of all quotes, escaped or not, where the byte behind the block is not escaped either:
// its backslashes need not be looked for.
[[gnu::always_inline]] inline bool lies_plainly_in_string(Place& place, std::uint64_t all_quotes,
                                                          char last) noexcept {
  if (!lies_in_string(place, all_quotes) || last == '\\') return false;
  place.escaped = 0;
  return true;
}

// The bits of a window that belong to its block.
[[gnu::always_inline]] inline JsonBlock without(JsonBlock block, unsigned skipped) noexcept {
  if (skipped == 0) return block;
  return {block.quotes >> skipped, block.backslashes >> skipped, block.opens >> skipped,
          block.closes >> skipped, block.letters >> skipped};
}

JsonBlock read_block_scalar(const char* bytes, char letter_a, char letter_b) noexcept {
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

#if defined(__x86_64__)
JsonBlock read_block_sse2(const char* bytes, char letter_a, char letter_b) noexcept {
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
#endif

// Bit i: whether an odd number of the bits 0..i is set.
std::uint64_t prefix_xor(std::uint64_t bits) noexcept {
  for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

// pass_block_*, of each machine: the block in[at, at + bytes), as walk_block().
template <JsonBlock (*read_block)(const char*, char, char) noexcept>
[[gnu::always_inline]] inline std::size_t pass_block_plain(const Wanted& wanted, Place& place,
                                                           std::string_view in, std::size_t at,
                                                           std::size_t bytes,
                                                           Window window) noexcept {
  const JsonBlock block = without(
      read_block(window.bytes, wanted.name_a.data()[0], wanted.name_b.data()[0]), window.skipped);
  const std::uint64_t quotes = real_quotes(place, block, bytes);
  if (lies_in_string(place, quotes)) return 0;
  const std::uint64_t inside = prefix_xor(quotes) ^ place.in_string;
  return walk_block(wanted, place, in, at, bytes, block, quotes, inside);
}

// seek_*, of each machine: JsonScan::seek(). The place is a copy, so that it lies in registers:
// nothing else may change it, which gcc cannot know.
template <JsonBlock (*read_block)(const char*, char, char) noexcept>
Step seek_plain(const Wanted& wanted, Place& stored, std::string_view in, std::size_t at) noexcept {
  Place place = stored;
  std::array<char, kBlockBytes> copy;
  std::size_t passed = 0;
  while (passed == 0 && at < in.size()) {
    const std::size_t bytes = std::min(in.size() - at, kBlockBytes);
    const Window window = window_at(in, at, bytes, copy);
    passed = pass_block_plain<read_block>(wanted, place, in, at, bytes, window);
    at += passed == 0 ? bytes : passed;
  }
  stored = place;
  return {at, passed != 0};
}

#if defined(__x86_64__)

[[gnu::target("avx2"), gnu::always_inline]] inline std::uint64_t find_avx2(__m256i low,
                                                                           __m256i high,
                                                                           char c) noexcept {
  const __m256i wanted = _mm256_set1_epi8(c);
  const auto bits = [](int mask) { return std::uint64_t{static_cast<std::uint32_t>(mask)}; };
  return bits(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted))) |
         bits(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted))) << 32;
}

// prefix_xor by a carry-less multiplication by all ones.
[[gnu::target("avx2,pclmul"), gnu::always_inline]] inline std::uint64_t prefix_xor_pclmul(
    std::uint64_t bits) noexcept {
  const __m128i factor = _mm_set_epi64x(0, static_cast<long long>(bits));
  const __m128i product = _mm_clmulepi64_si128(factor, _mm_set1_epi8(-1), 0);
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
}

[[gnu::target("avx2,pclmul,popcnt,bmi"), gnu::always_inline]] inline std::size_t pass_block_avx2(
    const Wanted& wanted, Place& place, std::string_view in, std::size_t at, std::size_t bytes,
    Window window) noexcept {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(window.bytes));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(window.bytes + 32));
  JsonBlock block{.quotes = find_avx2(low, high, '"') >> window.skipped};
  if (lies_plainly_in_string(place, block.quotes, in.data()[at + bytes - 1])) return 0;
  block.backslashes = find_avx2(low, high, '\\') >> window.skipped;
  const std::uint64_t quotes = real_quotes(place, block, bytes);
  if (lies_in_string(place, quotes)) return 0;
  const std::uint64_t inside = prefix_xor_pclmul(quotes) ^ place.in_string;
  const __m256i low_curly = _mm256_or_si256(low, _mm256_set1_epi8(0x20));
  const __m256i high_curly = _mm256_or_si256(high, _mm256_set1_epi8(0x20));
  block.opens = find_avx2(low_curly, high_curly, '{') >> window.skipped;
  block.closes = find_avx2(low_curly, high_curly, '}') >> window.skipped;
  block.letters = (find_avx2(low, high, wanted.name_a.data()[0]) |
                   find_avx2(low, high, wanted.name_b.data()[0])) >>
                  window.skipped;
  return walk_block(wanted, place, in, at, bytes, block, quotes, inside);
}

[[gnu::target("avx2,pclmul,popcnt,bmi")]] Step seek_avx2(const Wanted& wanted, Place& stored,
                                                         std::string_view in,
                                                         std::size_t at) noexcept {
  Place place = stored;
  std::array<char, kBlockBytes> copy;
  std::size_t passed = 0;
  while (passed == 0 && at < in.size()) {
    const std::size_t bytes = std::min(in.size() - at, kBlockBytes);
    const Window window = window_at(in, at, bytes, copy);
    passed = pass_block_avx2(wanted, place, in, at, bytes, window);
    at += passed == 0 ? bytes : passed;
  }
  stored = place;
  return {at, passed != 0};
}

[[gnu::target("avx512f,avx512bw"), gnu::always_inline]] inline std::uint64_t find_avx512(
    __m512i data, char c) noexcept {
  std::uint64_t bits = _mm512_cmpeq_epi8_mask(data, _mm512_set1_epi8(c));
  // Else gcc goes on with them in a mask register, where each step takes three times as long.
  asm("" : "+r"(bits));
  return bits;
}

[[gnu::target("avx512f,avx512bw,pclmul,popcnt,bmi"), gnu::always_inline]] inline std::size_t
pass_block_avx512(const Wanted& wanted, Place& place, std::string_view in, std::size_t at,
                  std::size_t bytes, __m512i data) noexcept {
  JsonBlock block{.quotes = find_avx512(data, '"')};
  if (lies_plainly_in_string(place, block.quotes, in.data()[at + bytes - 1])) return 0;
  block.backslashes = find_avx512(data, '\\');
  const std::uint64_t quotes = real_quotes(place, block, bytes);
  if (lies_in_string(place, quotes)) return 0;
  const std::uint64_t inside = prefix_xor_pclmul(quotes) ^ place.in_string;
  const __m512i curly = _mm512_or_si512(data, _mm512_set1_epi8(0x20));
  block.opens = find_avx512(curly, '{');
  block.closes = find_avx512(curly, '}');
  block.letters =
      find_avx512(data, wanted.name_a.data()[0]) | find_avx512(data, wanted.name_b.data()[0]);
  return walk_block(wanted, place, in, at, bytes, block, quotes, inside);
}

[[gnu::target("avx512f,avx512bw,pclmul,popcnt,bmi")]] Step seek_avx512(const Wanted& wanted,
                                                                       Place& stored,
                                                                       std::string_view in,
                                                                       std::size_t at) noexcept {
  Place place = stored;
  std::size_t passed = 0;
  for (; passed == 0 && in.size() - at >= kBlockBytes; at += passed == 0 ? kBlockBytes : passed) {
    const __m512i data = _mm512_loadu_si512(in.data() + at);
    passed = pass_block_avx512(wanted, place, in, at, kBlockBytes, data);
  }
  if (const std::size_t bytes = in.size() - at; passed == 0 && bytes > 0) {
    // What is masked out is not read, and counts as NULs.
    const std::uint64_t mask = ~std::uint64_t{0} >> (kBlockBytes - bytes);
    const __m512i data = _mm512_maskz_loadu_epi8(mask, in.data() + at);
    passed = pass_block_avx512(wanted, place, in, at, bytes, data);
    at += passed == 0 ? bytes : passed;
  }
  stored = place;
  return {at, passed != 0};
}

bool ask_for_avx2() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
         __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi");
}

bool ask_for_avx512() noexcept {
  return ask_for_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

#endif

JsonScanMachine ask_for_best() noexcept {
  for (const JsonScanMachine machine :
       {JsonScanMachine::kAvx512, JsonScanMachine::kAvx2, JsonScanMachine::kSse2})
    if (runs_here(machine)) return machine;
  return JsonScanMachine::kScalar;
}

auto seek_on(JsonScanMachine machine) noexcept {
  SL_ASSERT(runs_here(machine));
#if defined(__x86_64__)
  if (machine == JsonScanMachine::kAvx512) return &seek_avx512;
  if (machine == JsonScanMachine::kAvx2) return &seek_avx2;
  if (machine == JsonScanMachine::kSse2) return &seek_plain<read_block_sse2>;
#endif
  return &seek_plain<read_block_scalar>;
}

auto best_seek() noexcept {
  static const auto best = seek_on(ask_for_best());
  return best;
}

}  // namespace

bool runs_here(JsonScanMachine machine) noexcept {
#if defined(__x86_64__)
  static const bool has_avx2 = ask_for_avx2();
  static const bool has_avx512 = ask_for_avx512();
  if (machine == JsonScanMachine::kAvx512) return has_avx512;
  return machine != JsonScanMachine::kAvx2 || has_avx2;
#else
  return machine == JsonScanMachine::kScalar;
#endif
}

JsonScan::JsonScan(std::string_view name_a, std::string_view name_b,
                   std::int64_t depth_max) noexcept
    : seek_(best_seek()), wanted_{.name_a = name_a, .name_b = name_b, .depth_max = depth_max} {}

JsonScan::JsonScan(std::string_view name_a, std::string_view name_b, std::int64_t depth_max,
                   JsonScanMachine machine) noexcept
    : seek_(seek_on(machine)), wanted_{.name_a = name_a, .name_b = name_b, .depth_max = depth_max} {
  SL_ASSERT(!name_a.empty() && !name_b.empty());
}

}  // namespace sluice
