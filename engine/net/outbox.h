#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>

#include "base/block_pool.h"
#include "engine/io/slice.h"

namespace sluice {

// Outbox - bytes on their way out, gathered for one send: pieces in order, some of them slices that
// must live until the kernel has taken them.
//
// Owns      the slices, and while it is not empty a block of the pool in which its lists lie: the
//           next one to gather finds it in the cache. Not the bytes of other pieces, which must
//           stay in place until they are sent.
// Affinity  one shard.
// Limits    kPiecesMax pieces, kSlicesMax slices; who fills it sends when full() says so.
class Outbox {
 public:
  static constexpr std::size_t kPiecesMax = 32;
  // A slice is what one receive gave, and takes in the next one where that lies behind it.
  static constexpr std::size_t kSlicesMax = 12;
  // Pieces that a filler may add without asking full() in between.
  static constexpr std::size_t kPiecesReserved = 12;
  // Above so many bytes it is time to send. As much as a stream may hold unread: what a slow reader
  // does not take is copied and kept, and one slice may come on top. A larger send saves little.
  static constexpr std::size_t kBytesMax = 64 * 1024;
  // Pieces that may be put in front of the others: a message head and a chunk head.
  static constexpr std::size_t kFrontMax = 2;

  explicit Outbox(BlockPool& pool) noexcept : pool_(&pool) {}
  ~Outbox() { clear(); }
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // Bytes that stay where they are: static text, the exchange's arena.
  void add(std::string_view text) noexcept {
    if (text.empty()) return;
    SL_ASSERT(last_ < kPiecesMax);
    lists().pieces[last_++] = iovec{const_cast<char*>(text.data()), text.size()};
    bytes_ += text.size();
  }
  // The same, in front of everything else. At most kFrontMax times before a send.
  void add_front(std::string_view text) noexcept {
    if (text.empty()) return;
    SL_ASSERT(first_ > 0);
    lists().pieces[--first_] = iovec{const_cast<char*>(text.data()), text.size()};
    bytes_ += text.size();
  }
  // Keeps `slice` alive until everything is sent; its bytes are added by add(), whole or in parts.
  void keep(Slice slice) noexcept {
    if (slice.empty()) return;
    SL_ASSERT(kept_ < kSlicesMax);
    scarce_ = scarce_ || slice.scarce();
    Slice* const slices = lists().slices;
    if (kept_ > 0 && slices[kept_ - 1].absorb(slice)) return;
    new (&slices[kept_++]) Slice(std::move(slice));
  }

  [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }
  [[nodiscard]] bool full() const noexcept {
    return bytes_ > kBytesMax || last_ + kPiecesReserved > kPiecesMax || kept_ + 1 >= kSlicesMax;
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  // True when kept slices lie in the kernel's ring: they must not wait for a slow reader (B1).
  [[nodiscard]] bool scarce() const noexcept { return scarce_; }

  [[nodiscard]] std::span<iovec> pieces() noexcept {
    if (lists_ == nullptr) return {};
    return std::span(lists_->pieces).subspan(first_, last_ - first_);
  }

  // The first `bytes` have been taken.
  void consume(std::size_t bytes) noexcept;
  // Copies all that is left into one block of the pool and lets the kept slices go.
  void copy_out();
  void clear() noexcept;

 private:
  struct Lists {
    Lists() noexcept {}
    ~Lists() {}
    std::array<iovec, kPiecesMax> pieces;
    union {
      Slice slices[kSlicesMax];  // only the first kept_ exist; the others' bytes are not touched
    };
  };
  [[nodiscard]] Lists& lists() noexcept {
    if (lists_ == nullptr) lists_ = new (pool_->take(sizeof(Lists))) Lists;
    return *lists_;
  }

  BlockPool* pool_;
  Lists* lists_ = nullptr;  // while there is something in them
  std::size_t bytes_ = 0;
  std::uint32_t first_ = kFrontMax;
  std::uint32_t last_ = kFrontMax;
  std::uint32_t kept_ = 0;
  bool scarce_ = false;
};

}  // namespace sluice
