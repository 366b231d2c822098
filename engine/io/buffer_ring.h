#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/io/slice.h"
#include "engine/io/uring_ring.h"

namespace sluice {

// BufferRing - the buffers that the kernel fills for all connections of a shard.
//
// Incremental rings (kernel 6.12) fill a buffer piece by piece: 16 buffers of 64 KiB give big reads
// and a small working set (1 MiB, an L2 cache). Older kernels use a buffer per read: 256 of 4 KiB.
//
// Owns      the buffers and the ring; registered as group 0 with one UringRing.
// Affinity  one shard.
// Rule      a buffer goes back to the kernel when the kernel is through with it and the last slice
//           in it is gone.
class BufferRing {
 public:
  struct Options {
    std::uint32_t buffer_bytes = 64 * 1024;
    std::uint32_t buffers = 16;                   // a power of two
    std::uint32_t plain_buffer_bytes = 4 * 1024;  // where the kernel knows no incremental buffers
    std::uint32_t plain_buffers = 256;
    bool allow_incremental = true;  // tests switch it off to walk the path of older kernels
  };
  static constexpr std::uint16_t kGroup = 0;
  // Readable bytes behind the last buffer, so that SIMD parsers may look past a slice's end.
  static constexpr std::size_t kSlackBytes = 64;

  BufferRing() = default;
  ~BufferRing();
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  // 0 or an errno.
  [[nodiscard]] int open(UringRing& ring, const Options& options);

  // The slice of `bytes` that a completion with IORING_CQE_F_BUFFER announced.
  [[nodiscard]] Slice received(std::uint32_t cqe_flags, std::uint32_t bytes) noexcept;

  // Tells the kernel of the buffers that came back since the last time, all by one store. Before it
  // is entered.
  void publish() noexcept;

  // Buffers that the kernel still holds, be it in part, or will with the next publish().
  [[nodiscard]] std::size_t free_count() const noexcept { return free_count_; }
  // More than half of them are in use: some large receives more, and there are none.
  [[nodiscard]] bool is_low() const noexcept { return free_count_ * 2 < count_; }
  [[nodiscard]] std::size_t total() const noexcept { return count_; }
  [[nodiscard]] bool incremental() const noexcept { return incremental_; }

 private:
  class Buffer final : public SliceHome {
   public:
    Buffer() : SliceHome(true) {}
    BufferRing* ring = nullptr;
    std::uint32_t offset = 0;  // where the kernel writes next
    bool kernel_done = false;

   private:
    void on_unused() noexcept override {
      if (kernel_done) ring->give_to_kernel(*this);
    }
  };
  [[nodiscard]] int register_ring(UringRing& ring, std::uint16_t flags);
  void give_to_kernel(Buffer& buffer) noexcept;

  UringRing* uring_ = nullptr;
  io_uring_buf_ring* entries_ = nullptr;
  char* memory_ = nullptr;
  std::unique_ptr<Buffer[]> buffers_;
  std::uint32_t buffer_bytes_ = 0;
  std::uint32_t count_ = 0;
  std::uint16_t tail_ = 0;
  std::uint16_t published_ = 0;  // the tail that the kernel knows
  std::size_t free_count_ = 0;
  bool incremental_ = false;
};

}  // namespace sluice
