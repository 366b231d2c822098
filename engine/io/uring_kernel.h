#pragma once

#include <memory>
#include <string>

#include "engine/io/buffer_ring.h"
#include "engine/io/kernel.h"
#include "engine/io/uring_ring.h"

namespace sluice {

// UringKernel - the Kernel that production runs on.
//
// Affinity  the thread that called open(); wake() of another instance goes through this instance's
//           own ring.
class UringKernel final : public Kernel {
 public:
  struct Options {
    UringRing::Options ring;
    BufferRing::Options buffers;
    bool allow_vectorized_send = true;  // tests switch these off to walk the path of older kernels
    bool allow_gathering = true;

    // For a thread that receives little: 256 KiB of buffers instead of 1 MiB.
    [[nodiscard]] static Options small() {
      return {.ring = {}, .buffers = {.buffers = 4, .plain_buffers = 64}};
    }
  };

  UringKernel() = default;
  ~UringKernel() override = default;

  // 0 or an errno; EPERM and ENOSYS are explained by uring_refusal().
  [[nodiscard]] int open(const Options& options);

  Result<int> open_socket(int family) override;
  Result<int> open_listener(const SocketAddress& address, int backlog) override;
  Result<SocketAddress> local_address(int fd) override;
  void shutdown_socket(int fd, int how) override;
  void close_socket(int fd) override;

  void accept(int fd, Op& op) override;
  void recv(int fd, Op& op) override;
  void recv_once(int fd, Op& op) override;
  void recv_into(int fd, std::span<char> target, Op& op) override;
  void send(int fd, msghdr& message, Op& op) override;
  void connect(int fd, const SocketAddress& address, Op& op) override;
  void poll(int fd, std::uint32_t mask, Op& op) override;
  void cancel(Op& op) override;

  std::size_t collect(Instant now, Instant until) override;
  void set_gathering(bool on) override { gathering_ = on && can_gather_; }
  bool has_unsubmitted() const override { return ring_.queued() > 0; }
  bool has_completions() const override {
    return ring_.has_completion() || ring_.has_deferred_work();
  }
  void wake(Kernel& other) override;

  std::size_t buffers_free() const override { return buffers_.free_count(); }
  std::size_t buffers_total() const override { return buffers_.total(); }
  std::string_view name() const override { return "io_uring"; }

  // What open() found, for the log: "DEFER_TASKRUN, incremental buffers, vectorized send".
  [[nodiscard]] std::string features() const;

 private:
  io_uring_sqe& prepare(std::uint8_t opcode, int fd, Op& op) noexcept;
  io_uring_sqe& prepare_recv(int fd, Op& op) noexcept;
  void deliver(const io_uring_cqe& cqe) noexcept;
  std::size_t deliver_all();
  void probe_vectorized_send();

  UringRing ring_;
  BufferRing buffers_;
  bool vectorized_send_ = false;
  bool can_gather_ = false;
  bool gathering_ = false;
  bool sends_first_ = false;  // the last collect() was for sends alone
};

// Why io_uring could not be opened, with the mend, for a person: names kernel.io_uring_disabled and
// a container's seccomp profile where these are the cause. `disabled_setting` is the content of
// /proc/sys/kernel/io_uring_disabled, empty when there is no such file.
[[nodiscard]] std::string uring_refusal(int os_errno, std::string_view disabled_setting);

}  // namespace sluice
