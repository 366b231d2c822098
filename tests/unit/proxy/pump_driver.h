#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine/io/pool_block.h"
#include "engine/proxy/body_pump.h"

namespace sluice {

// What became of one body: the bytes that the client got, framing and all, and how it ended.
struct Pumped {
  std::string sent;
  std::string behind;  // bytes of the provider's that are not of this body
  BodyPump::Fed end = BodyPump::Fed::kMore;
  std::uint64_t payload_total = 0;
  std::size_t sends = 0;
  Usage usage;
};

// PumpDriver - the relay without its sockets: feeds slices, sends when it must, or after each
// slice.
class PumpDriver {
 public:
  PumpDriver(BodyFraming in, std::uint64_t content_length, OutFraming out, bool filtered)
      : arena_(pool_), pump_(head_of(in, content_length), out, kKind, filtered, arena_) {}

  // Each piece comes in a block of its own, as TLS records and plain buffers do. False when the
  // body has ended, well or not.
  bool feed(std::string_view piece) {
    Slice in = copy_to_pool(pool_, piece);
    return feed(in);
  }
  bool feed(Slice& in) {
    while (true) {
      got_.end = pump_.feed(in, outbox_);
      if (got_.end == BodyPump::Fed::kMore) return true;
      if (got_.end != BodyPump::Fed::kSendFirst) break;
      if (outbox_.empty()) {
        ADD_FAILURE() << "asked to send, with nothing to send";
        return false;
      }
      send();
    }
    got_.behind += in.view();
    return false;
  }
  void close() { got_.end = pump_.end(outbox_); }
  void send() {
    pump_.frame(outbox_);
    if (outbox_.empty()) return;
    ++got_.sends;
    for (const iovec& piece : outbox_.pieces())
      got_.sent.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    outbox_.consume(outbox_.bytes());
  }
  // Sends the rest, and tells what came of it.
  Pumped finish() {
    send();
    got_.payload_total = pump_.payload_total();
    got_.usage = pump_.tap().usage(0);
    return got_;
  }

  BodyPump& pump() { return pump_; }
  Outbox& outbox() { return outbox_; }
  BlockPool& pool() { return pool_; }

 private:
  static constexpr AnswerKind kKind = AnswerKind::kEventStream;
  static ResponseHead head_of(BodyFraming framing, std::uint64_t content_length) {
    ResponseHead head;
    head.framing = framing;
    head.content_length = content_length;
    return head;
  }

  BlockPool pool_;
  Arena arena_;
  BodyPump pump_;
  Outbox outbox_{pool_};
  Pumped got_;
};

// The payload of a body as the client reads it; "(broken)" when its chunks do not end as they must.
inline std::string payload_of(OutFraming framing, std::string_view sent) {
  if (framing != OutFraming::kChunked) return std::string(sent);
  ChunkedDecoder decoder;
  std::string payload;
  while (!decoder.done()) {
    const ChunkedDecoder::Step step = decoder.next(sent);
    if (step.state == ChunkedDecoder::Step::kMalformed || step.consumed == 0) return "(broken)";
    payload += step.payload;
    sent.remove_prefix(step.consumed);
  }
  return sent.empty() ? payload : "(broken)";
}

}  // namespace sluice
