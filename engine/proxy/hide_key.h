#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/arena.h"

namespace sluice {

// A shorter key could be a word that an answer has for its own reasons.
inline constexpr std::size_t kHiddenKeyBytesMin = 8;

// `answer` with a '*' for each byte of `key` in it, as a copy in `arena`; `answer` itself where it
// does not tell the key.
[[nodiscard]] inline std::string_view hide_key(Arena& arena, std::string_view answer,
                                               std::string_view key) {
  if (key.size() < kHiddenKeyBytesMin) return answer;
  std::size_t at = answer.find(key);
  if (at == std::string_view::npos) return answer;
  char* const hidden = arena.bytes(answer.size());
  std::memcpy(hidden, answer.data(), answer.size());
  for (; at != std::string_view::npos; at = answer.find(key, at + key.size()))
    std::memset(hidden + at, '*', key.size());
  return {hidden, answer.size()};
}

}  // namespace sluice
