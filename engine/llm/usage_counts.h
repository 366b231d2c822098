#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/llm/usage.h"

namespace sluice {

// UsageCounts - the numbers of one or several `usage` objects as the providers spell them.
//
// OpenAI chat, completions and embeddings say prompt_tokens, completion_tokens and total_tokens;
// their Responses API and Anthropic say input_tokens and output_tokens. OpenAI's cached tokens are
// part of the input, Anthropic's (cache_read_input_tokens, cache_creation_input_tokens) come on
// top.
class UsageCounts {
 public:
  // Takes the numbers of the JSON object that `text` begins with. A number replaces what an earlier
  // object said under that name: the counts of streams are cumulative. Members of other types,
  // negative numbers and everything unknown are passed over (COMPAT 6). Returns the object's bytes;
  // 0 when it is cut off, of which the numbers are taken as far as it goes.
  std::size_t read(std::string_view text) noexcept;

  // At least one number has been read.
  [[nodiscard]] bool any() const noexcept { return any_; }

  [[nodiscard]] Usage usage() const noexcept;

 private:
  enum Count : std::uint8_t {
    kInput,
    kOutput,
    kTotal,
    kCachedWithin,  // part of the input
    kCachedRead,    // beside the input
    kCachedWrite,   // beside the input
    kReasoning,
    kCounts,
    kNone = kCounts,
  };
  struct Name {
    std::string_view parent;  // the member that holds the object with this name; "" at the top
    std::string_view name;
    Count count;
  };
  static constexpr std::int64_t kCountMax = std::int64_t{1} << 40;
  static const Name kNames[];

  void take(std::string_view parent, std::string_view name, std::string_view number) noexcept;

  std::array<std::int64_t, kCounts> counts_{};
  bool any_ = false;
};

}  // namespace sluice
