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
// Cost      a list pop or push; a size seen for the first time costs one malloc, from
//           kMappedBytesMin on one mmap.
// Limits    blocks above kKeepBytesMax go straight back to the system, so that one 32 MiB body is
//           not kept for ever. Of the others as many bytes stay free as are in use, at least
//           kIdleBytes: a burst of slow readers leaves no more than that behind.
class BlockPool {
 public:
  static constexpr std::size_t kBlockBytesMin = 64;
  static constexpr std::size_t kKeepBytesMax = 1u << 20;  // 1 MiB: an image prompt's usual size
  // From here on a block is a mapping of its own: given back, it is the system's at once, whatever
  // lies around it. Below, a mapping would cost more pages than it is worth.
  static constexpr std::size_t kMappedBytesMin = 64u << 10;
  static constexpr std::size_t kIdleBytes = 8u << 20;  // a hundred usual prompts, a few images

  BlockPool() = default;
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // A block of at least `bytes` (aligned to 64). Aborts when the machine is out of memory: for the
  // small blocks without which nothing can even be refused.
  [[nodiscard]] void* take(std::size_t bytes);
  // The same; null when the machine is out of memory. For what a peer decides the size of.
  [[nodiscard]] void* try_take(std::size_t bytes) noexcept;
  // A block of at least `larger` that begins with the first `used` bytes of `block`, which is void
  // then; null, and `block` is as it was, when the machine is out of memory. `bytes` as for give().
  // Mappings above kKeepBytesMax move without a copy.
  [[nodiscard]] void* try_grow(void* block, std::size_t bytes, std::size_t used,
                               std::size_t larger) noexcept;
  // Gives back what take(bytes) returned; `bytes` must be the same number or rounded_up(bytes).
  void give(void* block, std::size_t bytes) noexcept;

  // The size that take(bytes) really hands out.
  [[nodiscard]] static std::size_t rounded_up(std::size_t bytes) noexcept;

  [[nodiscard]] std::size_t bytes_in_use() const noexcept { return bytes_in_use_; }
  [[nodiscard]] std::size_t bytes_free() const noexcept { return bytes_free_; }

 private:
  static constexpr std::size_t kClasses = 15;  // 64 B .. 1 MiB
  struct FreeBlock {
    FreeBlock* next;
  };
  void trim() noexcept;
  void release_one(std::size_t size_class) noexcept;

  std::array<FreeBlock*, kClasses> free_{};
  std::size_t bytes_in_use_ = 0;
  std::size_t bytes_free_ = 0;  // on the free lists
};

}  // namespace sluice
