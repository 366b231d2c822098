#include "engine/net/outbox.h"

#include <cstring>
#include <utility>

#include "engine/io/pool_block.h"

namespace sluice {

void Outbox::consume(std::size_t bytes) noexcept {
  SL_ASSERT(bytes <= bytes_);
  bytes_ -= bytes;
  if (bytes_ == 0) {
    clear();
    return;
  }
  while (bytes > 0) {
    iovec& piece = lists_->pieces[first_];
    if (bytes < piece.iov_len) {
      piece.iov_base = static_cast<char*>(piece.iov_base) + bytes;
      piece.iov_len -= bytes;
      return;
    }
    bytes -= piece.iov_len;
    ++first_;
  }
}

void Outbox::copy_out() {
  if (empty()) return;
  PoolBlock& block = PoolBlock::create(*pool_, bytes_);
  char* end = block.data();
  for (const iovec& piece : pieces()) {
    std::memcpy(end, piece.iov_base, piece.iov_len);
    end += piece.iov_len;
  }
  Slice copy(block, block.data(), static_cast<std::uint32_t>(bytes_));
  clear();
  add(copy.view());
  keep(std::move(copy));
}

void Outbox::clear() noexcept {
  if (lists_ == nullptr) return;
  for (std::size_t i = 0; i < kept_; ++i) lists_->slices[i].~Slice();
  pool_->give(std::exchange(lists_, nullptr), sizeof(Lists));
  first_ = last_ = kFrontMax;
  kept_ = 0;
  bytes_ = 0;
  scarce_ = false;
}

}  // namespace sluice
