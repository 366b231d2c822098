#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "parser/sse.h"

namespace sluice {

// StreamFilter - takes out of an event stream what is only there because the gateway asked for
// usage on behalf of a client that did not: the chunks with a usage object, or with a null one and
// nothing else to say, and no choices, and the `"usage":null` of all others. Every other byte
// passes as it came.
//
// An event that is not complete when the input ends is held (copied) until it is, or until it is
// longer than kHeldBytesMax: then it passes unchanged. Nothing is copied otherwise.
//
// Owns      two buffers in the arena for held events, once there was one: pieces may point into one
//           while the next event is collected in the other.
// Affinity  one thread.
// Lifetime  one attempt.
// Cost      bench/llm_bench.cc, BM_StreamFilterEvent.
class StreamFilter {
 public:
  static constexpr std::size_t kHeldBytesMax = 256 * 1024;
  static constexpr std::size_t kPiecesMin = 4;

  explicit StreamFilter(Arena& arena) noexcept : arena_(&arena) {}

  struct Step {
    std::size_t consumed = 0;
    std::size_t pieces = 0;
  };

  // Filters `in` into `out` (at least kPiecesMin long): the pieces to send on, in order. They point
  // into `in` or into this filter and are good until the next call. When `out` is full, less than
  // all of `in` is consumed: send, then call again with the rest.
  [[nodiscard]] Step next(std::string_view in, std::span<std::string_view> out);

  // The stream has ended: what is still held, as if it were complete. At most kPiecesMin pieces.
  [[nodiscard]] std::size_t finish(std::span<std::string_view> out);

 private:
  class Output;
  struct Held {
    char* bytes = nullptr;
    std::size_t capacity = 0;
    std::size_t size = 0;
  };

  // Appends to the held event; false when it has become too long: all of it has been passed on.
  bool hold(std::string_view part, Output& output);
  void release() noexcept;
  static void filter_event(std::string_view event, Output& output);

  Arena* arena_;
  SseSplitter splitter_;
  std::array<Held, 2> held_;
  unsigned active_ = 0;   // the buffer that collects
  bool passing_ = false;  // the rest of a long event passes
};

}  // namespace sluice
