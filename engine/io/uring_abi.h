#pragma once

#include <linux/io_uring.h>

#include <cstdint>

// What newer kernels added to <linux/io_uring.h> over Debian 12's headers (6.1). Each is probed at
// start before it is used; the comment names the kernel that brought it.
namespace sluice::uring {

inline constexpr std::uint32_t kSetupNoSqArray =
    1u << 16;  // 6.6: no index array between us and the SQEs
inline constexpr std::uint32_t kFeatureMinTimeout =
    1u << 15;  // 6.12: told apart from 6.11 by this bit
inline constexpr std::uint32_t kCqeBufferMore =
    1u << 4;  // 6.12: the kernel keeps the rest of the buffer
inline constexpr std::uint16_t kBufferRingIncremental = 2;  // 6.12: IOU_PBUF_RING_INC
inline constexpr std::uint16_t kSendVectorized = 1u << 5;   // 6.17: OP_SEND takes an iovec array

// io_uring_buf_reg with its `flags`, which 6.1 calls padding.
struct BufferRingRegistration {
  std::uint64_t ring_address;
  std::uint32_t ring_entries;
  std::uint16_t group;
  std::uint16_t flags;
  std::uint64_t reserved[3];
};
static_assert(sizeof(BufferRingRegistration) == 40);

}  // namespace sluice::uring
