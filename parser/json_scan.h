#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

// The ways to read blocks; all give the same, and the last that the processor has is taken. kSse2
// is in every x86-64; kAvx2 also needs PCLMULQDQ, POPCNT and BMI, kAvx512 these and its F and BW.
enum class JsonScanMachine : std::uint8_t { kScalar, kSse2, kAvx2, kAvx512 };
[[nodiscard]] bool runs_here(JsonScanMachine machine) noexcept;

// JsonScan - finds two strings, names as a rule, near the top of a JSON text that comes in pieces.
// It only tells strings from brackets and counts depth: a text that is no JSON finds nothing, or
// something that its reader refuses.
//
// Owns      its place, 72 bytes; buffers nothing.
// Affinity  one thread.
// Cost      bench/llm_bench.cc, BM_JsonScan.
class JsonScan {
 public:
  struct Step {
    std::size_t at = 0;  // how far the text has been looked through
    bool found = false;
  };

  // The strings as they stand in the text, with their closing quotes: `usage"`. They outlive this,
  // and are not empty.
  JsonScan(std::string_view name_a, std::string_view name_b, std::int64_t depth_max) noexcept;
  // For tests: in one way, which runs here.
  JsonScan(std::string_view name_a, std::string_view name_b, std::int64_t depth_max,
           JsonScanMachine machine) noexcept;

  // Looks through `in` from `at` on, up to and with the opening quote of the next such string not
  // deeper than depth_max (the members of a top-level object have depth 1), or to its end. A string
  // that `in` cuts off counts as found as long as it may be one of the two. The caller may then
  // step over bytes of the string that are neither quote nor backslash and go on with seek(), or
  // over all of it with its closing quote and call leave_string().
  [[nodiscard]] Step seek(std::string_view in, std::size_t at) noexcept {
    return seek_(wanted_, place_, in, at);
  }

  void leave_string() noexcept { place_.in_string = 0; }
  // The caller has stepped over an opening quote, and no backslash behind it.
  void enter_string() noexcept { place_.in_string = ~std::uint64_t{0}; }

  // Of the string just found.
  [[nodiscard]] std::int64_t depth() const noexcept { return place_.depth; }

  // Begins another text.
  void restart() noexcept { place_ = Place(); }

  // What it looks for.
  struct Wanted {
    std::string_view name_a;
    std::string_view name_b;
    std::int64_t depth_max;
  };
  // Where it stands.
  struct Place {
    std::int64_t depth = 0;
    std::uint64_t in_string = 0;  // all ones within a string
    std::uint64_t escaped = 0;    // 1: the next byte follows a backslash
  };

 private:
  Step (*seek_)(const Wanted& wanted, Place& place, std::string_view in, std::size_t at) noexcept;
  Wanted wanted_;
  Place place_;
};

}  // namespace sluice
