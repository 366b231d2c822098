#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>

#include "base/block_pool.h"
#include "base/owned_count.h"

namespace sluice {

// RequestBody - a request's body as one piece of memory that grows with the bytes that have come:
// an announced length alone costs nothing. Twice as large each time; above 1 MiB without a copy.
//
// Owns      its block, and its share of the shard's budget for bodies.
// Affinity  one shard. Lifetime: the exchange's at most; until an answer is relayed, as a retry
//           sends it again.
// Limits    never above what expect() says; the block at most what the budget has left.
class RequestBody {
 public:
  static constexpr std::size_t kPadding = 64;  // readable bytes behind it, for SIMD readers
  // A usual prompt has come whole into its first block, of a power of two bytes.
  static constexpr std::size_t kFirstBlockBytes = 128 * 1024;

  // `held` is what the bodies of the shard hold together.
  RequestBody(BlockPool& pool, OwnedCount& held) noexcept : pool_(&pool), held_(&held) {}
  ~RequestBody() { release(); }
  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;

  // At most `bytes` will come, in a first block of at most `first_block_bytes`; the bodies of the
  // shard may hold `budget` together.
  void expect(std::uint64_t bytes, std::uint64_t budget, std::size_t first_block_bytes) noexcept {
    expected_ = bytes;
    budget_ = budget;
    first_block_bytes_ = first_block_bytes;
  }

  enum class Added : std::uint8_t {
    kAll,
    kTooLarge,  // more than was expected
    kNoMemory,  // above the budget, or the machine has none
  };
  [[nodiscard]] Added append(std::string_view payload) noexcept {
    if (payload.size() > missing()) return Added::kTooLarge;
    while (!payload.empty()) {
      if (tail().empty() && !grow()) return Added::kNoMemory;
      const std::size_t bytes = std::min<std::size_t>(payload.size(), tail().size());
      std::memcpy(tail().data(), payload.data(), bytes);
      filled(bytes);
      payload.remove_prefix(bytes);
    }
    return Added::kAll;
  }

  // Room for what comes next, until as much as was expected has come; somebody else writes there
  // and says how much. Empty until grow().
  [[nodiscard]] std::span<char> tail() const noexcept {
    return {block_ + size_, capacity_ - static_cast<std::size_t>(size_)};
  }
  void filled(std::size_t bytes) noexcept { size_ += bytes; }
  // False when there is no memory for it.
  [[nodiscard]] bool grow() noexcept;

  // Gives the memory back: view() is empty from here on.
  void release() noexcept {
    *held_ -= block_bytes_;
    if (block_ != nullptr) pool_->give(block_, block_bytes_);
    block_ = nullptr;
    block_bytes_ = capacity_ = 0;
    size_ = 0;
  }

  [[nodiscard]] std::uint64_t missing() const noexcept { return expected_ - size_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::string_view view() const noexcept {
    return {block_, static_cast<std::size_t>(size_)};
  }

 private:
  BlockPool* pool_;
  OwnedCount* held_;
  char* block_ = nullptr;
  std::size_t block_bytes_ = 0;
  std::size_t capacity_ = 0;  // of the block, without the padding and what is not expected
  std::uint64_t size_ = 0;
  std::uint64_t expected_ = 0;
  std::uint64_t budget_ = std::numeric_limits<std::uint64_t>::max();
  std::size_t first_block_bytes_ = kFirstBlockBytes;
};

}  // namespace sluice
