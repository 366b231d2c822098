#pragma once

#include <string_view>

#include "base/secret.h"
#include "tls/digest.h"

namespace sluice {

// Tokens of clients and of administrators: shown once, when they are made; the store keeps
// sha256() of them. A plain digest is enough, because nobody guesses what was drawn from 2^256
// possibilities; words that people choose would need a slow one.

inline constexpr std::string_view kTokenPrefix = "sk-sluice-";
// 43 characters of 62 are just more than 256 bits.
inline constexpr std::size_t kTokenRandomChars = 43;

// The prefix and kTokenRandomChars random letters (either case) and digits, drawn evenly.
[[nodiscard]] Secret generate_token();

// Whether `offered` is the token of `digest`, in a time that depends on the length of `offered`
// alone. For the few tokens of administrators; clients are found among many by their digest
// (docs/THREAT_MODEL.md, "From a client").
[[nodiscard]] bool token_matches(const Sha256Digest& digest, std::string_view offered) noexcept;

}  // namespace sluice
