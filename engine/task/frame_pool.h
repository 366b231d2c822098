#pragma once

#include <array>
#include <cstddef>

namespace sluice {

// FramePool - memory for coroutine frames and what else there is one of for a connection, in steps
// of 32 bytes.
//
// Owns      slabs of kSlabBytes, cut into frames; frames that die stand on a free list per size.
// Affinity  one shard.
// Cost      a list pop or push. Frames above kFrameBytesMax are malloc'ed: no frame on the request
//           path is that large.
class FramePool {
 public:
  static constexpr std::size_t kStepBytes = 32;
  static constexpr std::size_t kFrameBytesMax = 4096;
  static constexpr std::size_t kSlabBytes = 32 * 1024;

  FramePool() = default;
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  [[nodiscard]] void* take(std::size_t bytes);
  void give(void* frame, std::size_t bytes) noexcept;

  [[nodiscard]] std::size_t frames_in_use() const noexcept { return frames_in_use_; }

 private:
  static constexpr std::size_t kClasses = kFrameBytesMax / kStepBytes;
  struct FreeFrame {
    FreeFrame* next;
  };
  struct Slab {
    Slab* next;
  };
  [[nodiscard]] void* cut(std::size_t rounded);

  std::array<FreeFrame*, kClasses> free_{};
  Slab* slabs_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::size_t frames_in_use_ = 0;
};

}  // namespace sluice
