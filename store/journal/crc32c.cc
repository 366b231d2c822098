#include "store/journal/crc32c.h"

#include <array>
#include <cstring>

#include "base/assert.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace sluice {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // 0x1edc6f41 with its bits reversed

constexpr std::array<std::uint32_t, 256> kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}();

// The entry of the table with that highest byte: each has another one.
constexpr std::array<std::uint8_t, 256> kByHighest = [] {
  std::array<std::uint8_t, 256> at{};
  for (std::uint32_t byte = 0; byte < 256; ++byte)
    at[kTable[byte] >> 24] = static_cast<std::uint8_t>(byte);
  return at;
}();

#if defined(__x86_64__)
// Set before main(); who comes earlier gets the table.
const bool kHasInstruction = __builtin_cpu_supports("sse4.2") != 0;
#endif

}  // namespace

std::uint32_t crc32c_before(const void* data, std::size_t bytes, std::uint32_t result) noexcept {
  const auto* const begin = static_cast<const unsigned char*>(data);
  std::uint32_t crc = ~result;
  for (; bytes > 0; --bytes) {
    const std::uint32_t entry = kByHighest[crc >> 24];
    crc = ((crc ^ kTable[entry]) << 8) | (entry ^ begin[bytes - 1]);
  }
  return ~crc;
}

std::uint32_t crc32c_by_table(const void* data, std::size_t bytes, std::uint32_t crc) noexcept {
  const auto* at = static_cast<const unsigned char*>(data);
  crc = ~crc;
  for (; bytes > 0; --bytes) crc = (crc >> 8) ^ kTable[(crc ^ *at++) & 0xff];
  return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_instruction(const void* data,
                                                                      std::size_t bytes,
                                                                      std::uint32_t crc) noexcept {
  const auto* at = static_cast<const unsigned char*>(data);
  std::uint64_t wide = static_cast<std::uint32_t>(~crc);
  // The odd half word first: a slot behind its own CRC is then read in aligned words.
  if ((bytes & 4) != 0) {
    std::uint32_t half;
    std::memcpy(&half, at, 4);
    wide = _mm_crc32_u32(static_cast<std::uint32_t>(wide), half);
    at += 4;
    bytes -= 4;
  }
  for (; bytes >= 8; bytes -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  for (; bytes > 0; --bytes) narrow = _mm_crc32_u8(narrow, *at++);
  return ~narrow;
}

bool crc32c_has_instruction() noexcept { return kHasInstruction; }

#else

std::uint32_t crc32c_by_instruction(const void*, std::size_t, std::uint32_t) noexcept {
  SL_ASSERT(!"this processor has no such instruction");
  return 0;
}

bool crc32c_has_instruction() noexcept { return false; }

#endif

std::uint32_t crc32c(const void* data, std::size_t bytes, std::uint32_t crc) noexcept {
  return crc32c_has_instruction() ? crc32c_by_instruction(data, bytes, crc)
                                  : crc32c_by_table(data, bytes, crc);
}

}  // namespace sluice
