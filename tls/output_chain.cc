#include "tls/output_chain.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace sluice {

struct OutputChain::Block {
  Block* next;
  std::uint32_t bytes;  // of the block, this header included
  std::uint32_t begin;  // offsets from the start of the block
  std::uint32_t end;

  char* at(std::uint32_t offset) noexcept { return reinterpret_cast<char*>(this) + offset; }
  [[nodiscard]] std::string_view filled() noexcept { return {at(begin), end - begin}; }
};

void OutputChain::add_block(std::size_t room_wanted) {
  const std::size_t bytes = BlockPool::rounded_up(
      std::clamp(room_wanted + sizeof(Block), kBlockBytesMin, kBlockBytesMax));
  auto* const block = static_cast<Block*>(pool_->take(bytes));
  *block = Block{.next = nullptr,
                 .bytes = static_cast<std::uint32_t>(bytes),
                 .begin = sizeof(Block),
                 .end = sizeof(Block)};
  (tail_ == nullptr ? head_ : tail_->next) = block;
  tail_ = block;
}

void OutputChain::append_copy(std::string_view bytes) {
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    if (tail_ == nullptr || tail_->end == tail_->bytes) add_block(bytes.size());
    const std::size_t room = std::min<std::size_t>(tail_->bytes - tail_->end, bytes.size());
    std::memcpy(tail_->at(tail_->end), bytes.data(), room);
    tail_->end += static_cast<std::uint32_t>(room);
    bytes.remove_prefix(room);
  }
}

std::string_view OutputChain::front() const noexcept {
  return head_ == nullptr ? std::string_view{} : head_->filled();
}

std::size_t OutputChain::pieces(std::span<std::string_view> out) const noexcept {
  std::size_t count = 0;
  for (Block* block = head_; block != nullptr && count < out.size(); block = block->next) {
    out[count++] = block->filled();
  }
  return count;
}

void OutputChain::consume(std::size_t bytes) noexcept {
  SL_ASSERT(bytes <= bytes_);
  bytes_ -= bytes;
  while (head_ != nullptr) {
    const std::size_t step = std::min<std::size_t>(bytes, head_->end - head_->begin);
    head_->begin += static_cast<std::uint32_t>(step);
    bytes -= step;
    if (head_->begin != head_->end) return;
    Block* const drained = head_;
    head_ = drained->next;
    if (head_ == nullptr) tail_ = nullptr;
    pool_->give(drained, drained->bytes);
  }
}

void OutputChain::clear() noexcept { consume(bytes_); }

}  // namespace sluice
