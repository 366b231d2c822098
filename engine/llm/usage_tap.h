#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "engine/llm/answer_scan.h"
#include "engine/llm/api.h"
#include "engine/llm/usage.h"
#include "parser/sse.h"

namespace sluice {

// UsageTap - watches the bytes of a response as they pass and remembers what was used. It holds
// nothing back, buffers nothing but one usage object, and no answer makes it fail (COMPAT 6): what
// cannot be read is estimated.
//
// Owns      its place in the answer; up to 1 KiB of the arena.
// Affinity  one thread.
// Lifetime  one attempt: an answer that is not relayed gets no tap.
// Cost      bench/llm_bench.cc, BM_UsageTapEvent and BM_UsageTapJson.
class UsageTap {
 public:
  UsageTap(AnswerKind kind, Arena& arena) noexcept : kind_(kind), scan_(arena) {}

  // The next bytes of the body, as the provider sent them (before a StreamFilter), cut anywhere.
  void watch(std::string_view bytes);

  // The answer has begun: a stream with the first payload of an event (comments do not count), any
  // other with its first byte. The time to first token is up to here.
  [[nodiscard]] bool first_event_seen() const noexcept { return data_events_ != 0 || in_data_; }

  // A stream has said that it is complete: `[DONE]`, message_stop, response.completed (or failed,
  // or incomplete). One that ends without it has broken.
  [[nodiscard]] bool end_seen() const noexcept { return end_seen_; }

  // What was used, up to here. When the provider told nothing, an estimate: of the prompt, a
  // quarter of the request's bytes; of the completion, one token an event, or a quarter of the
  // body's bytes.
  [[nodiscard]] Usage usage(std::uint64_t request_bytes) const noexcept;

 private:
  void watch_data(std::string_view data, bool whole);
  void end_event();

  AnswerKind kind_;
  bool end_seen_ = false;
  bool in_data_ = false;           // the present event has a payload
  std::uint8_t done_matched_ = 0;  // bytes of "[DONE]" in the present event; kNotDone
  std::uint64_t bytes_ = 0;
  std::uint64_t data_events_ = 0;
  SseReader reader_;
  AnswerScan scan_;
};

}  // namespace sluice
