#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// Rendezvous hashing (Thaler and Ravishankar, 1998): each origin ranks the accounts in an order of
// its own, which does not change when others come or go. All shards and all runs agree on it.

// FNV-1a, 64 bits: these are short names, and who crafts a collision shares an account.
[[nodiscard]] constexpr std::uint64_t hash_text(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

// What an origin is known by; never 0, which is nobody.
[[nodiscard]] constexpr std::uint64_t origin_of(std::string_view text) noexcept {
  return text.empty() ? 0 : hash_text(text) | 1;
}

// Evenly in [0, 2^64) over all pairs (the last step of splitmix64).
[[nodiscard]] constexpr std::uint64_t rank(std::uint64_t origin, std::uint64_t name_hash) noexcept {
  std::uint64_t z = origin + name_hash * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace sluice
