#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/assert.h"
#include "base/clock.h"
#include "base/result.h"
#include "engine/io/slice.h"

namespace sluice {

// Completion - what the kernel says of one operation.
struct Completion {
  std::int32_t result = 0;  // >= 0: bytes or a descriptor; < 0: -errno
  bool more = false;        // a multishot operation goes on: further completions will come
  Slice slice;              // a received slice, for recv
};

// Op - one operation in flight. Lives where the awaiting code lives and does not move while it is
// in flight; asserts that it is not when it dies (INVARIANTS T1).
class Op {
 public:
  Op() = default;
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;
  [[nodiscard]] bool in_flight() const noexcept { return in_flight_; }

  // Called by the kernel while it collects. Must not resume anybody, only make ready (INVARIANTS
  // T2).
  void complete(Completion completion) noexcept {
    if (!completion.more) in_flight_ = false;
    on_completion(std::move(completion));
  }
  void started() noexcept {
    SL_ASSERT(!in_flight_);
    in_flight_ = true;
  }

 protected:
  ~Op() { SL_ASSERT(!in_flight_); }
  virtual void on_completion(Completion completion) noexcept = 0;

 private:
  bool in_flight_ = false;
};

// SocketAddress - an IPv4 or IPv6 address with its port.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
};

// Kernel - the dozen operations that sluice asks of an operating system, so that io_uring, epoll or
// a simulation can serve them.
//
// Affinity  one shard.
// Contract  what an operation points to (buffers, iovecs, addresses) stays valid until its last
//           completion. Completions are delivered from collect() alone. Every started Op gets a
//           last completion (more == false), also when it is cancelled: then with -ECANCELED,
//           unless it ended before.
class Kernel {
 public:
  virtual ~Kernel() = default;

  // Sockets: calls that never block. Descriptors are plain numbers, closed by close_socket() once
  // nothing is in flight.
  [[nodiscard]] virtual Result<int> open_socket(int family) = 0;  // a TCP socket with TCP_NODELAY
  // A listening TCP socket with SO_REUSEPORT; accepted sockets inherit TCP_NODELAY and
  // SO_KEEPALIVE.
  [[nodiscard]] virtual Result<int> open_listener(const SocketAddress& address, int backlog) = 0;
  [[nodiscard]] virtual Result<SocketAddress> local_address(int fd) = 0;
  virtual void shutdown_socket(int fd, int how) = 0;
  virtual void close_socket(int fd) = 0;

  // Multishot: a completion per accepted connection (result: its descriptor).
  virtual void accept(int fd, Op& op) = 0;
  // Multishot: a completion per received slice; result 0 is the end of the stream; -ENOBUFS: no
  // buffer was free, start again after buffers_free() has grown.
  virtual void recv(int fd, Op& op) = 0;
  // The next slice alone, else as recv(). A kernel whose recv() sees every end need not tell them
  // apart.
  virtual void recv_once(int fd, Op& op) { recv(fd, op); }
  // One read straight into `target`, at least one byte.
  virtual void recv_into(int fd, std::span<char> target, Op& op) = 0;
  // One gathered send; result: bytes taken, which may be fewer than given.
  virtual void send(int fd, msghdr& message, Op& op) = 0;
  virtual void connect(int fd, const SocketAddress& address, Op& op) = 0;
  // One shot: result is the poll mask that came true.
  virtual void poll(int fd, std::uint32_t mask, Op& op) = 0;
  // Asks that `op` end early. Its last completion still comes.
  virtual void cancel(Op& op) = 0;

  // Submits what was asked for and collects: each completion is delivered to its Op. With `until`
  // in the future sleeps until a completion, a wake() or that instant comes; with one in the past
  // only looks. How many completions were delivered.
  virtual std::size_t collect(Instant now, Instant until) = 0;
  // For a thread whose load is many small events, as streams are: a collect() that sleeps gives
  // those behind the first one a moment to come too (UringRing), so that they share what a sleep
  // costs. A kernel that cannot do so ignores it.
  virtual void set_gathering(bool on) = 0;
  // True when something was asked for that only the next collect() hands over.
  [[nodiscard]] virtual bool has_unsubmitted() const = 0;
  // True when collect() would find something without sleeping. Cheap: no system call.
  [[nodiscard]] virtual bool has_completions() const = 0;
  // Makes `other`'s collect() return. The one operation that is asked of another shard's kernel.
  virtual void wake(Kernel& other) = 0;

  // How many receive buffers the kernel can still fill, and how many there are.
  [[nodiscard]] virtual std::size_t buffers_free() const = 0;
  [[nodiscard]] virtual std::size_t buffers_total() const = 0;

  // "io_uring", "simulated": for the log.
  [[nodiscard]] virtual std::string_view name() const = 0;
};

}  // namespace sluice
