#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// What origins and accounts are known by where both are hashed (OriginOrder). All shards and all
// runs agree on it.

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

// A hash whose every bit depends on all of theirs (the last step of splitmix64).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t hash) noexcept {
  std::uint64_t z = hash * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace sluice
