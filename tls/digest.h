#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace sluice {

inline constexpr std::size_t kSha256Bytes = 32;
using Sha256Digest = std::array<char, kSha256Bytes>;

// SHA-256 (FIPS 180-4) of `bytes`, and of pieces as if they lay one after the other. No malloc.
[[nodiscard]] Sha256Digest sha256(std::string_view bytes) noexcept;
[[nodiscard]] Sha256Digest sha256(std::span<const std::string_view> pieces) noexcept;

// The same of what `next` gives, piece after piece, until it gives an empty one: of a file that is
// too long to lie in memory.
[[nodiscard]] Sha256Digest sha256_of_pieces(const std::function<std::string_view()>& next);

// HMAC-SHA-256 (RFC 2104) of `bytes` under `key`.
[[nodiscard]] Sha256Digest hmac_sha256(std::string_view key, std::string_view bytes) noexcept;

// Whether both are the same, in a time that depends on the length alone: for keys and digests of
// them. The lengths are no secret.
[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

[[nodiscard]] inline std::string_view text_of(const Sha256Digest& digest) noexcept {
  return {digest.data(), digest.size()};
}

// Lower-case hexadecimal digits of `bytes`; `out` has room for two each. Not constant time.
void write_hex(std::string_view bytes, char* out) noexcept;
// Reads exactly two digits (either case) per byte of `out`; false when `digits` are not that.
[[nodiscard]] bool parse_hex(std::string_view digits, std::span<char> out) noexcept;

}  // namespace sluice
