#include "engine/proxy/request_body.h"

namespace sluice {

bool RequestBody::grow() noexcept {
  const std::uint64_t wanted = block_ == nullptr ? first_block_bytes_ : block_bytes_ * 2;
  const std::size_t block_bytes =
      BlockPool::rounded_up(static_cast<std::size_t>(std::min(wanted, expected_ + kPadding)));
  const std::size_t more = block_bytes - block_bytes_;
  const std::uint64_t held = *held_;
  if (held > budget_ || more > budget_ - held) return false;
  void* const larger =
      block_ == nullptr
          ? pool_->try_take(block_bytes)
          : pool_->try_grow(block_, block_bytes_, static_cast<std::size_t>(size_), block_bytes);
  if (larger == nullptr) return false;
  *held_ += more;
  block_ = static_cast<char*>(larger);
  block_bytes_ = block_bytes;
  capacity_ = static_cast<std::size_t>(std::min<std::uint64_t>(block_bytes - kPadding, expected_));
  return true;
}

}  // namespace sluice
