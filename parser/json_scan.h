#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

// JsonBlock - 64 bytes as bit masks, bit i for byte i.
struct JsonBlock {
  std::uint64_t quotes = 0;
  std::uint64_t backslashes = 0;
  std::uint64_t opens = 0;    // { and [
  std::uint64_t closes = 0;   // } and ]
  std::uint64_t letters = 0;  // one of the two letters asked for
};

// The masks of the 64 bytes at `bytes`.
[[nodiscard]] JsonBlock read_json_block(const char* bytes, char letter_a, char letter_b) noexcept;
// The same without SIMD: what other machines use, and what the tests compare with.
[[nodiscard]] JsonBlock read_json_block_scalar(const char* bytes, char letter_a,
                                               char letter_b) noexcept;

// JsonScan - finds strings that begin with one of two letters, near the top of a JSON text that
// comes in pieces. It only tells strings from brackets and counts depth: a text that is no JSON
// finds nothing, or something that its reader refuses.
//
// Owns      its place, 24 bytes; buffers nothing.
// Affinity  one thread.
// Cost      bench/llm_bench.cc, BM_JsonScan.
class JsonScan {
 public:
  JsonScan(char letter_a, char letter_b, std::int64_t depth_max) noexcept
      : letter_a_(letter_a), letter_b_(letter_b), depth_max_(depth_max) {}

  struct Step {
    std::size_t consumed = 0;
    bool found = false;
  };

  // Consumes `in` up to and with the opening quote of the next such string not deeper than
  // depth_max (the members of a top-level object have depth 1), or all of it. A quote that ends
  // `in` counts as found: its string may begin with any letter. The caller may then consume bytes
  // of the string that are neither quote nor backslash and go on with seek(), or consume all of it
  // with its closing quote and call leave_string().
  [[nodiscard]] Step seek(std::string_view in) noexcept;

  void leave_string() noexcept { in_string_ = 0; }
  // The caller has consumed an opening quote, and no backslash behind it.
  void enter_string() noexcept { in_string_ = ~std::uint64_t{0}; }

  // Of the string just found.
  [[nodiscard]] std::int64_t depth() const noexcept { return depth_; }

  // Begins another text.
  void restart() noexcept {
    in_string_ = 0;
    escaped_ = 0;
    depth_ = 0;
  }

 private:
  char letter_a_;
  char letter_b_;
  std::int64_t depth_max_;
  std::int64_t depth_ = 0;
  std::uint64_t in_string_ = 0;  // all ones within a string
  std::uint64_t escaped_ = 0;    // 1: the next byte follows a backslash
};

}  // namespace sluice
