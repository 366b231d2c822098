#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "engine/llm/usage_counts.h"
#include "parser/json_scan.h"

namespace sluice {

// AnswerScan - picks the usage object and the event type out of a JSON text that passes in pieces.
//
// A usage object counts as deep as kUsageDepthMax: OpenAI and Anthropic answers have it at the top,
// Responses events in `response`, Anthropic's message_start in `message`, Groq's streams in
// `x_groq` and Moonshot's in choices[0]. Nothing deeper, where a model's own words may stand.
//
// Owns      its place; the bytes of one usage object, in the arena, from the first one on.
// Affinity  one thread.
// Lifetime  one exchange; restart() between two events of a stream.
// Cost      bench/llm_bench.cc, BM_UsageTapJson.
class AnswerScan {
 public:
  static constexpr std::int64_t kUsageDepthMax = 3;
  static constexpr std::size_t kUsageBytesMax = 1024;  // what is longer counts as far as it goes
  static constexpr std::size_t kTypeBytesMax = 32;

  explicit AnswerScan(Arena& arena) noexcept : arena_(&arena) {}

  void feed(std::string_view in);

  // False when nothing would come of feeding this whole text: most events of a stream. Half as
  // dear.
  [[nodiscard]] static bool may_tell(std::string_view text) noexcept;

  // Begins another text; counts stay.
  void restart() noexcept;

  [[nodiscard]] const UsageCounts& counts() const noexcept { return counts_; }
  // The string value of the top-level `type`, as it stands in the text; "" before it is complete.
  [[nodiscard]] std::string_view type() const noexcept {
    return {type_.data(), type_complete_ ? type_bytes_ : std::size_t{0}};
  }

 private:
  enum class Place : std::uint8_t { kSeek, kName, kColon, kValue, kUsage, kType };

  // With the closing quotes.
  static constexpr std::string_view kUsageName = "usage\"";
  static constexpr std::string_view kTypeName = "type\"";

  // Each looks at `in` from `at` on and returns how far it got.
  std::size_t seek(std::string_view in, std::size_t at);
  std::size_t match_name(std::string_view in, std::size_t at);
  std::size_t match_colon(std::string_view in, std::size_t at);
  std::size_t match_value(std::string_view in, std::size_t at);
  std::size_t read_usage(std::string_view in, std::size_t at);
  std::size_t capture_usage(std::string_view in, std::size_t at);
  std::size_t capture_type(std::string_view in, std::size_t at);
  void take_usage(const UsageCounts& heard);

  Arena* arena_;
  JsonScan scan_{kUsageName, kTypeName, kUsageDepthMax};
  UsageCounts counts_;
  char* usage_ = nullptr;  // kUsageBytesMax bytes, once there was a usage object
  std::size_t usage_bytes_ = 0;
  std::int64_t usage_depth_ = 0;  // brackets open in the usage object
  std::int64_t best_depth_ = kUsageDepthMax;
  std::array<char, kTypeBytesMax> type_{};
  std::uint8_t type_bytes_ = 0;
  std::uint8_t matched_ = 0;
  Place place_ = Place::kSeek;
  bool type_complete_ = false;
  bool in_string_ = false;  // within the usage object
  bool escaped_ = false;
  char first_ = '\0';  // of the name being matched
};

}  // namespace sluice
