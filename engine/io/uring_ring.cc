#include "engine/io/uring_ring.h"

#include <linux/time_types.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace sluice {
namespace {

int setup_ring(std::uint32_t entries, io_uring_params& params) noexcept {
  const auto fd = static_cast<int>(syscall(__NR_io_uring_setup, entries, &params));
  return fd >= 0 ? fd : -errno;
}

void sleep_for(Duration duration) noexcept {
  const timespec ts{.tv_sec = duration / 1s, .tv_nsec = (duration % 1s).count()};
  nanosleep(&ts, nullptr);
}

// Tries the flags from best to plainest; the reason for each stands beside it.
int setup_best_ring(const UringRing::Options& options, io_uring_params& params) noexcept {
  constexpr std::uint32_t kAlways =
      IORING_SETUP_CQSIZE         // room for multishot bursts: an overflowing CQ is slow
      | IORING_SETUP_CLAMP        // a kernel with smaller limits gives what it has
      | IORING_SETUP_SUBMIT_ALL;  // one bad entry does not hold up the rest (5.18)
  constexpr std::uint32_t kDefer =
      IORING_SETUP_SINGLE_ISSUER    // one thread submits: no lock inside (6.0)
      | IORING_SETUP_DEFER_TASKRUN  // completions run when we enter, not by interrupting us: -40 %
                                    // CPU (6.1)
      | IORING_SETUP_TASKRUN_FLAG;  // tells us by a flag that such work waits, without a system
                                    // call (5.19)
  constexpr std::uint32_t kCooperate =  // the next best before 6.1
      IORING_SETUP_SINGLE_ISSUER   // as above (6.0, as multishot receive, without which we cannot)
      | IORING_SETUP_COOP_TASKRUN  // completions run when we enter the kernel anyway (5.19)
      | IORING_SETUP_TASKRUN_FLAG;
  const std::uint32_t candidates[] = {
      kAlways | kDefer | (options.allow_no_sq_array ? uring::kSetupNoSqArray : 0),
      kAlways | kDefer,
      kAlways | kCooperate,
  };
  int fd = -EINVAL;
  for (const std::uint32_t flags : candidates) {
    // A ring that died a moment ago still counts against RLIMIT_MEMLOCK: ENOMEM at a restart passes
    // by itself.
    for (int attempt = 0; attempt < 5; ++attempt) {
      std::memset(&params, 0, sizeof(params));
      params.flags = flags;
      params.cq_entries = options.cq_entries;
      fd = setup_ring(options.sq_entries, params);
      if (fd != -ENOMEM) break;
      sleep_for(100ms);
    }
    if (fd != -EINVAL) break;
  }
  return fd;
}

}  // namespace

UringRing::~UringRing() { unmap(); }

int UringRing::open(const Options& options) {
  SL_ASSERT(fd_ < 0);
  io_uring_params params;
  const int fd = setup_best_ring(options, params);
  if (fd < 0) return -fd;
  fd_ = enter_fd_ = fd;
  features_ = params.features;
  defers_work_ = (params.flags & IORING_SETUP_DEFER_TASKRUN) != 0;
  if (const int failed = map(params); failed != 0) {
    unmap();
    return failed;
  }
  // Entering by index saves looking the file up on every call (5.18).
  io_uring_rsrc_update update{};
  update.offset = UINT32_MAX;
  update.data = static_cast<std::uint64_t>(fd_);
  if (register_with(IORING_REGISTER_RING_FDS, &update, 1) == 1) {
    enter_fd_ = static_cast<int>(update.offset);
    enter_flags_ = IORING_ENTER_REGISTERED_RING;
  }
  return 0;
}

int UringRing::map(const io_uring_params& params) noexcept {
  const std::size_t sq_bytes = params.sq_off.array + params.sq_entries * sizeof(std::uint32_t);
  const std::size_t cq_bytes = params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
  SL_ASSERT((params.features & IORING_FEAT_SINGLE_MMAP) !=
            0);  // since 5.4; every flag above is newer
  ring_bytes_ = sq_bytes > cq_bytes ? sq_bytes : cq_bytes;
  void* const rings = mmap(nullptr, ring_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                           fd_, IORING_OFF_SQ_RING);
  if (rings == MAP_FAILED) return errno;
  ring_memory_ = rings;
  sqe_bytes_ = params.sq_entries * sizeof(io_uring_sqe);
  void* const sqes = mmap(nullptr, sqe_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                          fd_, IORING_OFF_SQES);
  if (sqes == MAP_FAILED) return errno;
  sqes_ = static_cast<io_uring_sqe*>(sqes);

  char* const base = static_cast<char*>(rings);
  const auto word = [base](std::uint32_t offset) {
    return reinterpret_cast<std::uint32_t*>(base + offset);
  };
  sq_head_ = word(params.sq_off.head);
  sq_tail_ = word(params.sq_off.tail);
  sq_flags_ = word(params.sq_off.flags);
  sq_mask_ = *word(params.sq_off.ring_mask);
  sq_entries_ = params.sq_entries;
  cq_head_ = word(params.cq_off.head);
  cq_tail_ = word(params.cq_off.tail);
  cq_mask_ = *word(params.cq_off.ring_mask);
  cqes_ = reinterpret_cast<io_uring_cqe*>(base + params.cq_off.cqes);
  if ((params.flags & uring::kSetupNoSqArray) == 0) {
    // Entry i of the index array always names SQE i: written once, never again.
    std::uint32_t* const array = word(params.sq_off.array);
    for (std::uint32_t i = 0; i < sq_entries_; ++i) array[i] = i;
  }
  return 0;
}

void UringRing::unmap() noexcept {
  if (sqes_ != nullptr) munmap(sqes_, sqe_bytes_);
  if (ring_memory_ != nullptr) munmap(ring_memory_, ring_bytes_);
  if (fd_ >= 0) close(fd_);
  sqes_ = nullptr;
  ring_memory_ = nullptr;
  fd_ = -1;
}

io_uring_sqe& UringRing::next_sqe() noexcept {
  if (sq_tail_local_ - __atomic_load_n(sq_head_, __ATOMIC_ACQUIRE) >= sq_entries_) {
    static_cast<void>(enter(false, Duration::zero()));
    SL_ASSERT(sq_tail_local_ - __atomic_load_n(sq_head_, __ATOMIC_ACQUIRE) < sq_entries_);
  }
  io_uring_sqe& sqe = sqes_[sq_tail_local_ & sq_mask_];
  ++sq_tail_local_;
  std::memset(&sqe, 0, sizeof(sqe));
  return sqe;
}

int UringRing::submit() noexcept { return call_enter(0, enter_flags_, nullptr, 0); }

int UringRing::enter(bool wait, Duration timeout, bool gather) noexcept {
  std::uint32_t flags = enter_flags_ | IORING_ENTER_GETEVENTS;
  __kernel_timespec ts{};
  io_uring_getevents_arg argument{};
  void* argument_address = nullptr;
  std::size_t argument_bytes = 0;
  gather = gather && wait && can_gather();
  if (gather) argument.pad = kGatherMax / 1us;  // min_wait_usec since 6.12
  if (wait && timeout >= Duration::zero()) {
    ts.tv_sec = timeout / 1s;
    ts.tv_nsec = (timeout % 1s).count();
    argument.ts = reinterpret_cast<std::uint64_t>(&ts);
  }
  if (argument.ts != 0 || gather) {
    argument_address = &argument;
    argument_bytes = sizeof(argument);
    flags |= IORING_ENTER_EXT_ARG;
  }
  return call_enter(wait ? gather ? kGatherCompletions : 1u : 0u, flags, argument_address,
                    argument_bytes);
}

int UringRing::call_enter(std::uint32_t completions_min, std::uint32_t flags, const void* argument,
                          std::size_t argument_bytes) noexcept {
  const std::uint32_t to_submit = queued();
  __atomic_store_n(sq_tail_, sq_tail_local_, __ATOMIC_RELEASE);
  publish_cq_head();  // also when a handler's submission brings us here: the kernel needs the room
  const long result = syscall(__NR_io_uring_enter, enter_fd_, to_submit, completions_min, flags,
                              argument, argument_bytes);
  if (result >= 0) {
    submitted_ += static_cast<std::uint32_t>(result);
    return 0;
  }
  const int failed = errno;
  // With a failed wait the entries were still taken: the kernel's head tells how far.
  submitted_ = __atomic_load_n(sq_head_, __ATOMIC_ACQUIRE);
  return failed == ETIME || failed == EINTR ? 0 : failed;
}

int UringRing::register_with(std::uint32_t opcode, void* argument, std::uint32_t count) noexcept {
  const long result = syscall(__NR_io_uring_register, fd_, opcode, argument, count);
  return result >= 0 ? static_cast<int>(result) : -errno;
}

}  // namespace sluice
