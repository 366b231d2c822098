#include "engine/llm/stream_filter.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"
#include "engine/llm/chunk_edit.h"

namespace sluice {

namespace {

constexpr std::size_t kHeldBytesFirst = 4096;
constexpr std::size_t kPiecesOfEvent = 2;

}  // namespace

// Output - the caller's list; what adjoins the last piece makes it longer.
class StreamFilter::Output {
 public:
  explicit Output(std::span<std::string_view> out) noexcept : out_(out) {
    SL_ASSERT(out.size() >= kPiecesMin);
  }

  void append(std::string_view piece) noexcept {
    if (piece.empty()) return;
    if (count_ != 0) {
      std::string_view& last = out_[count_ - 1];
      if (last.data() + last.size() == piece.data()) {
        last = {last.data(), last.size() + piece.size()};
        return;
      }
    }
    SL_ASSERT(count_ < out_.size());
    out_[count_++] = piece;
  }

  [[nodiscard]] bool has_room() const noexcept { return count_ + kPiecesOfEvent <= out_.size(); }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  std::span<std::string_view> out_;
  std::size_t count_ = 0;
};

StreamFilter::Step StreamFilter::next(std::string_view in, std::span<std::string_view> out) {
  Output output(out);
  std::size_t at = 0;
  while (at < in.size() && output.has_room()) {
    const std::size_t boundary = splitter_.next_boundary(in.substr(at));
    const bool complete = boundary != SseSplitter::npos;
    const std::string_view part = in.substr(at, boundary);
    at += part.size();
    if (passing_) {
      output.append(part);
      passing_ = !complete;
    } else if (complete && held_[active_].size == 0) {
      // However the input is cut, an event of the same size is treated the same.
      part.size() > kHeldBytesMax ? output.append(part) : filter_event(part, output);
    } else if (!hold(part, output)) {
      passing_ = !complete;
    } else if (complete) {
      filter_event({held_[active_].bytes, held_[active_].size}, output);
      release();
    }
  }
  return {at, output.count()};
}

std::size_t StreamFilter::finish(std::span<std::string_view> out) {
  Output output(out);
  filter_event({held_[active_].bytes, held_[active_].size}, output);
  release();
  return output.count();
}

bool StreamFilter::hold(std::string_view part, Output& output) {
  Held& held = held_[active_];
  const std::size_t size = held.size + part.size();
  if (size > kHeldBytesMax) {
    output.append({held.bytes, held.size});
    output.append(part);
    release();
    return false;
  }
  if (size > held.capacity) {
    const std::size_t capacity = std::bit_ceil(std::max(size, kHeldBytesFirst));
    char* const bytes = arena_->bytes(capacity);
    if (held.size != 0) std::memcpy(bytes, held.bytes, held.size);
    held.bytes = bytes;
    held.capacity = capacity;
  }
  if (!part.empty()) std::memcpy(held.bytes + held.size, part.data(), part.size());
  held.size = size;
  return true;
}

void StreamFilter::release() noexcept {
  held_[active_].size = 0;
  active_ ^= 1;
}

void StreamFilter::filter_event(std::string_view event, Output& output) {
  const ChunkEdit edit = edit_for_chunk(event);
  switch (edit.kind) {
    case ChunkEdit::Kind::kKeep: output.append(event); break;
    case ChunkEdit::Kind::kCut:
      output.append(event.substr(0, edit.begin));
      output.append(event.substr(edit.end));
      break;
    case ChunkEdit::Kind::kDrop: break;
  }
}

}  // namespace sluice
