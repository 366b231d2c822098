#include "engine/io/buffer_ring.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>

namespace sluice {
namespace {

std::size_t memory_bytes(std::size_t count, std::size_t buffer_bytes) {
  return count * buffer_bytes + BufferRing::kSlackBytes;
}

}  // namespace

BufferRing::~BufferRing() {
  for (std::uint32_t i = 0; i < count_; ++i) SL_ASSERT(buffers_[i].slices() == 0);
  if (entries_ != nullptr) {
    io_uring_buf_reg registration{};
    registration.bgid = kGroup;
    static_cast<void>(uring_->register_with(IORING_UNREGISTER_PBUF_RING, &registration, 1));
    std::free(entries_);
  }
  if (memory_ != nullptr) munmap(memory_, memory_bytes(count_, buffer_bytes_));
}

int BufferRing::open(UringRing& ring, const Options& options) {
  SL_ASSERT(entries_ == nullptr);
  uring_ = &ring;
  // 6.12 brought incremental buffers and this feature bit; the registration itself is the real
  // probe.
  incremental_ = options.allow_incremental && (ring.features() & uring::kFeatureMinTimeout) != 0;
  int failed = -1;
  if (incremental_) {
    count_ = options.buffers;
    buffer_bytes_ = options.buffer_bytes;
    failed = register_ring(ring, uring::kBufferRingIncremental);
    incremental_ = failed == 0;
  }
  if (failed != 0) {
    count_ = options.plain_buffers;
    buffer_bytes_ = options.plain_buffer_bytes;
    failed = register_ring(ring, 0);
  }
  if (failed != 0) {
    count_ = 0;
    return failed;
  }
  void* const memory = mmap(nullptr, memory_bytes(count_, buffer_bytes_), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) {
    count_ = 0;
    return errno;
  }
  memory_ = static_cast<char*>(memory);
  buffers_ = std::make_unique<Buffer[]>(count_);
  for (std::uint32_t i = 0; i < count_; ++i) {
    buffers_[i].ring = this;
    give_to_kernel(buffers_[i]);
  }
  publish();
  return 0;
}

int BufferRing::register_ring(UringRing& ring, std::uint16_t flags) {
  constexpr std::size_t kPage = 4096;
  const std::size_t bytes = (count_ * sizeof(io_uring_buf) + kPage - 1) / kPage * kPage;
  void* const entries = std::aligned_alloc(kPage, bytes);
  if (entries == nullptr) return ENOMEM;
  uring::BufferRingRegistration registration{};
  registration.ring_address = reinterpret_cast<std::uint64_t>(entries);
  registration.ring_entries = count_;
  registration.group = kGroup;
  registration.flags = flags;
  if (const int result = ring.register_with(IORING_REGISTER_PBUF_RING, &registration, 1);
      result < 0) {
    std::free(entries);
    return -result;
  }
  entries_ = static_cast<io_uring_buf_ring*>(entries);
  return 0;
}

void BufferRing::give_to_kernel(Buffer& buffer) noexcept {
  const auto index = static_cast<std::uint32_t>(&buffer - buffers_.get());
  buffer.offset = 0;
  buffer.kernel_done = false;
  // bufs[0] shares its last two bytes with the ring's tail: write the other members only.
  io_uring_buf& entry = reinterpret_cast<io_uring_buf*>(entries_)[tail_ & (count_ - 1)];
  entry.addr = reinterpret_cast<std::uint64_t>(memory_ + std::size_t{index} * buffer_bytes_);
  entry.len = buffer_bytes_;
  entry.bid = static_cast<std::uint16_t>(index);
  ++tail_;
  ++free_count_;
}

void BufferRing::publish() noexcept {
  if (tail_ == published_) return;
  published_ = tail_;
  __atomic_store_n(&entries_->tail, tail_, __ATOMIC_RELEASE);
}

Slice BufferRing::received(std::uint32_t cqe_flags, std::uint32_t bytes) noexcept {
  const std::uint32_t index = cqe_flags >> IORING_CQE_BUFFER_SHIFT;
  SL_ASSERT(index < count_);
  Buffer& buffer = buffers_[index];
  SL_ASSERT(!buffer.kernel_done && buffer.offset + bytes <= buffer_bytes_);
  char* const data = memory_ + std::size_t{index} * buffer_bytes_ + buffer.offset;
  buffer.offset += bytes;
  if (!incremental_ || (cqe_flags & uring::kCqeBufferMore) == 0) {
    buffer.kernel_done = true;
    --free_count_;
  }
  // A slice of no bytes still makes sure that a buffer without readers goes back to the kernel.
  return Slice(buffer, data, bytes);
}

}  // namespace sluice
