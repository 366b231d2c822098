#include "engine/task/frame_pool.h"

#include <cstdlib>

#include "base/assert.h"
#include "base/poison.h"

namespace sluice {

FramePool::~FramePool() {
  SL_ASSERT(frames_in_use_ == 0);
  while (slabs_ != nullptr) {
    Slab* const slab = slabs_;
    SL_UNPOISON(slab, kSlabBytes);
    slabs_ = slab->next;
    std::free(slab);
  }
}

void* FramePool::take(std::size_t bytes) {
  ++frames_in_use_;
  if (bytes > kFrameBytesMax) {
    void* const frame = std::malloc(bytes);
    SL_ASSERT(frame != nullptr);
    return frame;
  }
  const std::size_t size_class = (bytes - 1) / kStepBytes;
  const std::size_t rounded = (size_class + 1) * kStepBytes;
  FreeFrame* const frame = free_[size_class];
  if (frame == nullptr) return cut(rounded);
  SL_UNPOISON(frame, rounded);
  free_[size_class] = frame->next;
  if (frame->next != nullptr) __builtin_prefetch(frame->next, 1);  // the next to be taken
  return frame;
}

void FramePool::give(void* frame, std::size_t bytes) noexcept {
  SL_ASSERT(frames_in_use_ > 0);
  --frames_in_use_;
  if (bytes > kFrameBytesMax) {
    std::free(frame);
    return;
  }
  const std::size_t size_class = (bytes - 1) / kStepBytes;
  auto* const free_frame = static_cast<FreeFrame*>(frame);
  free_frame->next = free_[size_class];
  free_[size_class] = free_frame;
  SL_POISON(frame, (size_class + 1) * kStepBytes);
}

void* FramePool::cut(std::size_t rounded) {
  if (static_cast<std::size_t>(end_ - at_) < rounded) {
    // What is left of the old slab is less than one frame of this size: at most 4 KiB of 32 are
    // lost.
    auto* const slab = static_cast<Slab*>(std::aligned_alloc(kStepBytes, kSlabBytes));
    SL_ASSERT(slab != nullptr);
    slab->next = slabs_;
    slabs_ = slab;
    at_ = reinterpret_cast<char*>(slab) + kStepBytes;
    end_ = reinterpret_cast<char*>(slab) + kSlabBytes;
  }
  void* const frame = at_;
  at_ += rounded;
  return frame;
}

}  // namespace sluice
