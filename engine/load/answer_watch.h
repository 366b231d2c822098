#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "engine/llm/usage_tap.h"
#include "engine/load/load_tally.h"
#include "parser/sse.h"

namespace sluice {

// AnswerWatch - what the body of one answer tells as it comes: when the first content was there,
// the gaps between pieces of it, how it ended and what it used.
//
// Owns      its place; an event that comes in parts, up to kEventBytesMax.
// Affinity  one thread. Lifetime one answer, within that of the arena and of `gaps`.
class AnswerWatch {
 public:
  static constexpr std::size_t kEventBytesMax = 256 * 1024;  // of a longer one the beginning counts

  AnswerWatch(ApiKind api, AnswerKind kind, Arena& arena, LoadHistogram& gaps)
      : api_(api), kind_(kind), tap_(kind, arena), gaps_(&gaps) {}

  // The next bytes of the body, which were there at `now`.
  void watch(std::string_view bytes, Instant now);

  [[nodiscard]] bool is_stream() const noexcept { return kind_ == AnswerKind::kEventStream; }
  [[nodiscard]] Instant first_content() const noexcept { return first_content_; }  // or kNever
  [[nodiscard]] std::uint64_t content_events() const noexcept { return content_events_; }
  // An event said that the stream has failed.
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  // The stream has said that it is complete.
  [[nodiscard]] bool end_seen() const noexcept { return tap_.end_seen(); }
  [[nodiscard]] Usage usage() const noexcept { return tap_.usage(0); }

 private:
  void look_at(std::string_view event, Instant now);

  ApiKind api_;
  AnswerKind kind_;
  bool failed_ = false;
  UsageTap tap_;
  SseReader reader_;
  LoadHistogram* gaps_;
  std::string part_;  // of an event whose end has not come
  Instant first_content_ = kNever;
  Instant last_content_ = kNever;
  std::uint64_t content_events_ = 0;
};

}  // namespace sluice
