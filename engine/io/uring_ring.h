#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "engine/io/uring_abi.h"

namespace sluice {

// UringRing - the two shared rings of one io_uring instance, without liburing: 2.3, which Debian
// ships, writes its index array over the ring head when NO_SQARRAY is set.
//
// Owns      the ring's file descriptor and its mappings.
// Affinity  the thread that called open() (SINGLE_ISSUER).
class UringRing {
 public:
  struct Options {
    std::uint32_t sq_entries =
        512;  // a turn rarely queues more; when it does, submit() runs in between
    std::uint32_t cq_entries =
        4096;  // multishot operations of 2000 connections may complete in one turn
    bool allow_no_sq_array = true;  // tests switch it off to walk the path of older kernels
  };

  UringRing() = default;
  ~UringRing();
  UringRing(const UringRing&) = delete;
  UringRing& operator=(const UringRing&) = delete;

  // 0, or the errno of the call that failed. EPERM and ENOSYS mean that io_uring is forbidden or
  // missing here.
  [[nodiscard]] int open(const Options& options);

  // The next free entry, zeroed; submits first when the queue is full. Never null.
  [[nodiscard]] io_uring_sqe& next_sqe() noexcept;

  // Hands the queued entries over and collects deferred work. With `wait`, sleeps until a
  // completion arrives or `timeout` is over (negative: for ever). Returns 0 or the errno (ETIME and
  // EINTR are 0: the caller looks anyway). With `gather`, and if can_gather(), it goes on sleeping
  // until kGatherCompletions lie there or kGatherMax is over.
  int enter(bool wait, Duration timeout, bool gather = false) noexcept;
  // Hands the queued entries over, sends and all others, and runs no deferred work: a send that the
  // socket takes at once has completed then, a receive that waits for bytes gets none. Returns as
  // enter().
  int submit() noexcept;
  [[nodiscard]] bool can_gather() const noexcept {
    return (features_ & uring::kFeatureMinTimeout) != 0;
  }
  // By measurement: a quarter less for an event of a stream. More of either brings nothing.
  static constexpr Duration kGatherMax = 400us;
  static constexpr std::uint32_t kGatherCompletions = 64;

  // Calls handle(cqe) for each completion that lies ready; returns their number. The kernel hears
  // of all of them together, by one store.
  template <class Handle>
  std::size_t for_each_completion(Handle&& handle) {
    const std::uint32_t first = cq_head_local_;
    while (has_completion()) {
      const std::uint32_t tail = __atomic_load_n(cq_tail_, __ATOMIC_ACQUIRE);
      while (cq_head_local_ != tail) {
        const io_uring_cqe cqe = cqes_[cq_head_local_ & cq_mask_];
        ++cq_head_local_;
        if (tail - cq_head_local_ >= kFetchAhead) fetch_target(cq_head_local_ + kFetchAhead - 1);
        handle(cqe);
      }
    }
    publish_cq_head();
    return cq_head_local_ - first;
  }

  [[nodiscard]] bool has_completion() const noexcept {
    return cq_head_local_ != __atomic_load_n(cq_tail_, __ATOMIC_ACQUIRE);
  }
  // Deferred work waits in the kernel for the next enter(): more than one call runs (20
  // items, 6.13), or new work.
  [[nodiscard]] bool has_deferred_work() const noexcept {
    return (__atomic_load_n(sq_flags_, __ATOMIC_RELAXED) &
            (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  }

  // Entries that the next enter() hands over.
  [[nodiscard]] std::uint32_t queued() const noexcept { return sq_tail_local_ - submitted_; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] std::uint32_t features() const noexcept { return features_; }
  [[nodiscard]] bool defers_work() const noexcept { return defers_work_; }

  // io_uring_register(2) on this ring: a number >= 0, or -errno.
  [[nodiscard]] int register_with(std::uint32_t opcode, void* argument,
                                  std::uint32_t count) noexcept;

 private:
  [[nodiscard]] int map(const io_uring_params& params) noexcept;
  int call_enter(std::uint32_t completions_min, std::uint32_t flags, const void* argument,
                 std::size_t argument_bytes) noexcept;
  void unmap() noexcept;
  // Has what a completion that lies ready will be handed to brought near, while those before it
  // are handled: among many connections it lies in no cache that is close. Whoever it was for may
  // be gone (user_data is a number here, and nothing is read).
  static constexpr std::uint32_t kFetchAhead = 3;  // completions
  void fetch_target(std::uint32_t position) const noexcept {
    constexpr std::size_t kLineBytes = 64;
    constexpr std::size_t kLines = 3;  // a connection's receiving end
    const std::uintptr_t target = cqes_[position & cq_mask_].user_data;
    for (std::size_t line = 0; line < kLines; ++line)
      __builtin_prefetch(reinterpret_cast<const void*>(target + line * kLineBytes));
  }
  void publish_cq_head() noexcept { __atomic_store_n(cq_head_, cq_head_local_, __ATOMIC_RELEASE); }

  int fd_ = -1;
  int enter_fd_ = -1;  // the registered index when the kernel took it, else fd_
  std::uint32_t enter_flags_ = 0;
  std::uint32_t features_ = 0;
  bool defers_work_ = false;

  void* ring_memory_ = nullptr;
  std::size_t ring_bytes_ = 0;
  io_uring_sqe* sqes_ = nullptr;
  std::size_t sqe_bytes_ = 0;

  std::uint32_t* sq_head_ = nullptr;
  std::uint32_t* sq_tail_ = nullptr;
  std::uint32_t* sq_flags_ = nullptr;
  std::uint32_t sq_mask_ = 0;
  std::uint32_t sq_entries_ = 0;
  std::uint32_t sq_tail_local_ = 0;
  std::uint32_t submitted_ = 0;

  std::uint32_t* cq_head_ = nullptr;
  std::uint32_t* cq_tail_ = nullptr;
  std::uint32_t cq_mask_ = 0;
  std::uint32_t cq_head_local_ = 0;  // completions taken; *cq_head_ follows
  io_uring_cqe* cqes_ = nullptr;
};

}  // namespace sluice
