#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice {

// Fills `out` with bytes that nobody can predict (the kernel's generator behind a DRBG per thread).
// Never fails: without entropy the library aborts. Good for keys, nonces and tokens.
void random_fill(std::span<char> out) noexcept;

// A seed for Prng.
[[nodiscard]] std::uint64_t random_seed() noexcept;

}  // namespace sluice
