#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/block_pool.h"

namespace sluice {

// OutputChain - bytes on their way out, in order, in as few blocks as they need.
//
// Owns      its blocks; a block goes back to the pool with its last byte, so an idle chain has
//           none.
// Affinity  the pool's thread.
// Lifetime  what front() and pieces() show stays where it is until consume() passes it, also across
//           append(): an asynchronous send may read it.
// Size      32 bytes; blocks of 4 to 32 KiB, as large as the bytes that ask for them.
class OutputChain {
 public:
  static constexpr std::size_t kBlockBytesMin = 4u << 10;   // a token event, a handshake flight
  static constexpr std::size_t kBlockBytesMax = 32u << 10;  // one full TLS record and room for more

  explicit OutputChain(BlockPool& pool) noexcept : pool_(&pool) {}
  ~OutputChain() { clear(); }
  OutputChain(const OutputChain&) = delete;
  OutputChain& operator=(const OutputChain&) = delete;

  // Copies `bytes` to the end of the chain.
  void append_copy(std::string_view bytes);
  // The first bytes that lie in one piece; empty when there are none.
  [[nodiscard]] std::string_view front() const noexcept;
  // Fills `out` with the first pieces, for a gathering send; returns how many there are.
  [[nodiscard]] std::size_t pieces(std::span<std::string_view> out) const noexcept;
  // Drops the first `bytes` bytes, at most bytes().
  void consume(std::size_t bytes) noexcept;
  void clear() noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] BlockPool& pool() const noexcept { return *pool_; }

 private:
  struct Block;
  void add_block(std::size_t room_wanted);
  BlockPool* pool_;
  Block* head_ = nullptr;
  Block* tail_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace sluice
