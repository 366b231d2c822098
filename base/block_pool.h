#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

// BlockPool - memory in power-of-two sizes with a free list per size, so that steady state never
// calls malloc.
//
// Owns      every block, in use or free, until it dies; all must be back by then (asserted).
// Affinity  one thread.
// Cost      a list pop or push; a size seen for the first time costs one malloc.
// Limits    blocks above kKeepBytesMax go straight to malloc and back, so that one 32 MiB body is
//           not kept for ever; of each kept size at most kFreeBytesMax stay on the free list.
class BlockPool {
 public:
  static constexpr std::size_t kBlockBytesMin = 64;
  static constexpr std::size_t kKeepBytesMax = 1u << 20;   // 1 MiB: an image prompt's usual size
  static constexpr std::size_t kFreeBytesMax = 16u << 20;  // per size class

  BlockPool() = default;
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // A block of at least `bytes` (aligned to 64). Aborts when the machine is out of memory.
  [[nodiscard]] void* take(std::size_t bytes);
  // Gives back what take(bytes) returned; `bytes` must be the same number or rounded_up(bytes).
  void give(void* block, std::size_t bytes) noexcept;

  // The size that take(bytes) really hands out.
  [[nodiscard]] static std::size_t rounded_up(std::size_t bytes) noexcept;

  [[nodiscard]] std::size_t bytes_in_use() const noexcept { return bytes_in_use_; }

 private:
  static constexpr std::size_t kClasses = 15;  // 64 B .. 1 MiB
  struct FreeBlock {
    FreeBlock* next;
  };
  std::array<FreeBlock*, kClasses> free_{};
  std::array<std::size_t, kClasses> free_count_{};
  std::size_t bytes_in_use_ = 0;
};

}  // namespace sluice
