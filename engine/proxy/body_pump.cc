#include "engine/proxy/body_pump.h"

#include "engine/io/pool_block.h"

namespace sluice {

BodyPump::BodyPump(const ResponseHead& response, OutFraming framing, AnswerKind kind, bool filtered,
                   Arena& arena)
    : decoder_(framing == OutFraming::kNone ? BodyFraming::kNone : response.framing,
               response.content_length),
      framing_(framing),
      tap_(kind, arena) {
  if (filtered) filter_.emplace(arena);
}

BodyPump::Fed BodyPump::feed(Slice& in, Outbox& outbox) {
  while (true) {
    if (outbox.full()) return Fed::kSendFirst;
    if (!unfiltered_.empty()) {
      if (!run_filter(outbox)) return Fed::kSendFirst;
      continue;
    }
    if (decoder_.done()) {
      finish(outbox);
      return Fed::kDone;
    }
    if (in.empty()) return Fed::kMore;
    const BodyDecoder::Step step = decoder_.next(in.view());
    if (step.malformed) return Fed::kMalformed;
    Slice taken = in.take_front(step.consumed);
    if (step.payload.empty()) continue;
    tap_.watch(step.payload);
    if (filter_) {
      unfiltered_ = step.payload;
      unfiltered_home_ = std::move(taken);
    } else {
      pass(step.payload, outbox);
      outbox.keep(std::move(taken));
    }
  }
}

// Passes on what the filter makes of the unfiltered payload. False when the outbox must be sent
// before the filter may run again: its pieces are good only until then.
bool BodyPump::run_filter(Outbox& outbox) {
  std::array<std::string_view, 8> pieces;
  static_assert(pieces.size() < Outbox::kPiecesReserved &&
                pieces.size() >= StreamFilter::kPiecesMin);
  const StreamFilter::Step step = filter_->next(unfiltered_, pieces);
  std::size_t foreign = 0;
  for (std::size_t i = 0; i < step.pieces; ++i) {
    const std::string_view piece = pieces[i];
    const bool inside = piece.data() >= unfiltered_.data() &&
                        piece.data() < unfiltered_.data() + unfiltered_.size();
    if (!inside) ++foreign;
    pass(piece, outbox);
  }
  unfiltered_.remove_prefix(step.consumed);
  const bool all = unfiltered_.empty();
  const auto taken_bytes = static_cast<std::size_t>(unfiltered_.data() - unfiltered_home_.data());
  Slice taken = all ? std::move(unfiltered_home_) : unfiltered_home_.take_front(taken_bytes);
  // Kept only where a piece lies in it: an outbox that is full of slices and has no bytes to send
  // would never be emptied.
  if (step.pieces > foreign) outbox.keep(std::move(taken));
  return all && foreign == 0;
}

void BodyPump::leave_ring(BlockPool& pool) {
  if (!unfiltered_home_.scarce()) return;
  unfiltered_home_ = copy_to_pool(pool, unfiltered_);
  unfiltered_ = unfiltered_home_.view();
}

void BodyPump::pass(std::string_view payload, Outbox& outbox) {
  outbox.add(payload);
  payload_total_ += payload.size();
  std::uint32_t newlines = 0;
  for (std::size_t i = payload.size(); i > 0; --i) {
    const char c = payload[i - 1];
    if (c == '\n') ++newlines;
    else if (c != '\r') {
      newlines_ = newlines;
      return;
    }
  }
  newlines_ += newlines;  // nothing but line ends
}

void BodyPump::finish(Outbox& outbox) {
  if (finished_) return;
  finished_ = true;
  if (!filter_) return;
  std::array<std::string_view, StreamFilter::kPiecesMin> pieces;
  const std::size_t count = filter_->finish(pieces);
  for (std::size_t i = 0; i < count; ++i) pass(pieces[i], outbox);
}

BodyPump::Fed BodyPump::end(Outbox& outbox) {
  if (!decoder_.end()) return Fed::kMalformed;
  finish(outbox);
  return Fed::kDone;
}

void BodyPump::add_comment(std::string_view text, Outbox& outbox) { outbox.add(text); }

void BodyPump::frame(Outbox& outbox) {
  if (framing_ != OutFraming::kChunked) return;
  if (!outbox.empty()) {
    const std::size_t bytes = write_chunk_head(chunk_head_.data(), outbox.bytes());
    outbox.add_front({chunk_head_.data(), bytes});
    outbox.add("\r\n");
  }
  if (finished_) outbox.add("0\r\n\r\n");
}

}  // namespace sluice
