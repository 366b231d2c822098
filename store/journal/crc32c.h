#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

// CRC-32C (Castagnoli, RFC 3720 12.1) of `bytes` bytes at `data`, continued from `crc`, the value
// of what came before (0: nothing did). With the instruction of SSE4.2 where the processor has it,
// else with a table.
//
// Two different values of `crc` give different results for the same bytes, always: a shift register
// forgets nothing. The journal relies on it (store/journal/slot.h).
[[nodiscard]] std::uint32_t crc32c(const void* data, std::size_t bytes,
                                   std::uint32_t crc = 0) noexcept;

// The value of `crc` with which crc32c() of these bytes comes to `result`: there is exactly one.
[[nodiscard]] std::uint32_t crc32c_before(const void* data, std::size_t bytes,
                                          std::uint32_t result) noexcept;

// The two ways, for the tests that hold them against each other.
[[nodiscard]] std::uint32_t crc32c_by_table(const void* data, std::size_t bytes,
                                            std::uint32_t crc = 0) noexcept;
// Only where crc32c_has_instruction().
[[nodiscard]] std::uint32_t crc32c_by_instruction(const void* data, std::size_t bytes,
                                                  std::uint32_t crc = 0) noexcept;
[[nodiscard]] bool crc32c_has_instruction() noexcept;

}  // namespace sluice
