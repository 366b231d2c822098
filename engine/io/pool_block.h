#pragma once

#include <string_view>

#include "base/block_pool.h"
#include "engine/io/slice.h"

namespace sluice {

// PoolBlock - a home for slices in a block of the shard's pool: decrypted bytes, and bytes copied
// out of the ring. Lies at the beginning of its own block and gives the block back with its last
// slice.
class PoolBlock final : public SliceHome {
 public:
  // A block with room for at least `bytes`. Without a slice in it, call discard().
  [[nodiscard]] static PoolBlock& create(BlockPool& pool, std::size_t bytes);
  void discard() noexcept { on_unused(); }

  [[nodiscard]] char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
  [[nodiscard]] std::size_t capacity() const noexcept { return block_bytes_ - sizeof(PoolBlock); }

 private:
  PoolBlock(BlockPool& pool, std::size_t block_bytes) noexcept
      : SliceHome(false), pool_(&pool), block_bytes_(block_bytes) {}
  void on_unused() noexcept override;

  BlockPool* pool_;
  std::size_t block_bytes_;
};

// A copy of `bytes` in a block of its own.
[[nodiscard]] Slice copy_to_pool(BlockPool& pool, std::string_view bytes);

}  // namespace sluice
