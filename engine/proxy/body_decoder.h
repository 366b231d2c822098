#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "parser/chunked.h"
#include "parser/http1_common.h"

namespace sluice {

// BodyDecoder - takes the payload out of a message body, whatever its framing. Pure; the framing
// was decided by the head parser alone (INVARIANTS P1).
class BodyDecoder {
 public:
  BodyDecoder(BodyFraming framing, std::uint64_t content_length) noexcept
      : left_(content_length), framing_(framing) {
    done_ =
        framing == BodyFraming::kNone || (framing == BodyFraming::kLength && content_length == 0);
  }

  struct Step {
    std::size_t consumed = 0;
    std::string_view payload;  // a view into the input
    bool malformed = false;
  };

  // Decodes up to the next piece of payload; call again with the rest. Consumes nothing once
  // done().
  [[nodiscard]] Step next(std::string_view in) noexcept {
    if (done_) return {};
    switch (framing_) {
      case BodyFraming::kNone: return {};
      case BodyFraming::kUntilClose: return {in.size(), in, false};
      case BodyFraming::kLength: {
        const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
        left_ -= bytes;
        done_ = left_ == 0;
        return {bytes, in.substr(0, bytes), false};
      }
      case BodyFraming::kChunked: {
        const ChunkedDecoder::Step step = chunked_.next(in);
        done_ = step.state == ChunkedDecoder::Step::kDone;
        return {step.consumed, step.payload, step.state == ChunkedDecoder::Step::kMalformed};
      }
    }
    return {};
  }

  // The stream has ended. True when that completes the body.
  [[nodiscard]] bool end() noexcept {
    if (framing_ == BodyFraming::kUntilClose) done_ = true;
    return done_;
  }

  [[nodiscard]] bool done() const noexcept { return done_; }

 private:
  std::uint64_t left_;
  ChunkedDecoder chunked_;
  BodyFraming framing_;
  bool done_ = false;
};

}  // namespace sluice
