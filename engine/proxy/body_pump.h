#pragma once

#include <array>
#include <optional>

#include "engine/llm/stream_filter.h"
#include "engine/llm/usage_tap.h"
#include "engine/net/outbox.h"
#include "engine/proxy/body_decoder.h"
#include "engine/proxy/response_head.h"

namespace sluice {

// BodyPump - turns received slices of a provider's body into what is sent to the client: decodes,
// taps, filters, and frames anew. Pure: no waiting, no sockets; the relay feeds it and sends its
// outbox.
//
// Owns      the place in the body. Affinity: one shard. Lifetime: one answer.
class BodyPump {
 public:
  BodyPump(const ResponseHead& response, OutFraming framing, AnswerKind kind, bool filtered,
           Arena& arena);

  enum class Fed : std::uint8_t {
    kMore,       // `in` is used up: more may be fed, or what there is may be sent
    kSendFirst,  // `in` is not used up: frame() and send before feeding again
    kDone,       // the body is complete; what is left of `in` is not of this body
    kMalformed,
  };
  // Takes in as much of `in` as fits.
  Fed feed(Slice& in, Outbox& outbox);
  // The provider has closed. kDone when that completes the body, else kMalformed (truncated).
  Fed end(Outbox& outbox);

  // Puts `text` (a comment) into the stream, between two events.
  void add_comment(std::string_view text, Outbox& outbox);
  // Frames what the outbox holds as one piece of the client's body. Once before each send.
  void frame(Outbox& outbox);
  // Before a send that may wait for a slow reader: what the filter has not taken leaves the
  // kernel's ring (INVARIANTS B1). Copies it; once for each slice at most.
  void leave_ring(BlockPool& pool);

  [[nodiscard]] bool done() const noexcept { return decoder_.done(); }
  [[nodiscard]] const UsageTap& tap() const noexcept { return tap_; }
  // The client stands between two events: what it has got ends with a blank line.
  [[nodiscard]] bool between_events() const noexcept {
    return newlines_ >= 2 || payload_total_ == 0;
  }
  [[nodiscard]] std::uint64_t payload_total() const noexcept { return payload_total_; }

 private:
  void pass(std::string_view payload, Outbox& outbox);
  [[nodiscard]] bool run_filter(Outbox& outbox);
  void finish(Outbox& outbox);

  BodyDecoder decoder_;
  OutFraming framing_;
  UsageTap tap_;
  std::optional<StreamFilter> filter_;
  std::string_view unfiltered_;  // payload that the filter has not taken yet
  Slice unfiltered_home_;        // keeps it in place
  std::uint64_t payload_total_ = 0;
  std::uint32_t newlines_ = 0;  // line ends at the end of what was passed, CR not counted
  bool finished_ = false;
  std::array<char, kChunkHeadBytesMax> chunk_head_{};
};

}  // namespace sluice
