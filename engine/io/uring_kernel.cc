#include "engine/io/uring_kernel.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice {
namespace {

// user_data of entries that belong to no Op; pointers to Ops are larger and aligned.
constexpr std::uint64_t kIgnored =
    0;  // cancellations and wake-ups that we send: only their failure shows
constexpr std::uint64_t kWoken = 1;  // a wake-up that another shard sent us

// EBUSY: the completion queue overflowed; what lies there is collected now and the rest comes with
// the next turn.
void check(int failed) { SL_ASSERT(failed == 0 || failed == EBUSY || failed == EAGAIN); }

Error os_error(int os_errno) { return error_from_errno(os_errno, Side::kOurs); }

void set_option(int fd, int level, int option) {
  const int on = 1;
  static_cast<void>(setsockopt(fd, level, option, &on, sizeof(on)));
}

}  // namespace

int UringKernel::open(const Options& options) {
  if (const int failed = ring_.open(options.ring); failed != 0) return failed;
  if (const int failed = buffers_.open(ring_, options.buffers); failed != 0) return failed;
  if (options.allow_vectorized_send) probe_vectorized_send();
  can_gather_ = options.allow_gathering && ring_.can_gather();
  return 0;
}

// There is no feature bit for it: send one byte through a socket pair and see whether the kernel
// takes the flag.
void UringKernel::probe_vectorized_send() {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return;
  struct ProbeOp final : Op {
    std::int32_t result = -EINVAL;
    void on_completion(Completion completion) noexcept override { result = completion.result; }
  } op;
  char byte = 'x';
  iovec vector{.iov_base = &byte, .iov_len = 1};
  io_uring_sqe& sqe = prepare(IORING_OP_SEND, pair[0], op);
  sqe.addr = reinterpret_cast<std::uint64_t>(&vector);
  sqe.len = 1;
  sqe.ioprio = uring::kSendVectorized;
  sqe.msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  for (int turn = 0; turn < 100 && op.in_flight(); ++turn) {
    static_cast<void>(ring_.enter(true, 10ms));
    ring_.for_each_completion([this](const io_uring_cqe& cqe) { deliver(cqe); });
  }
  // An older kernel may ignore the flag and send the first byte of the vector itself: look at what
  // arrived.
  char arrived = 0;
  vectorized_send_ = op.result == 1 && read(pair[1], &arrived, 1) == 1 && arrived == byte;
  ::close(pair[0]);
  ::close(pair[1]);
}

Result<int> UringKernel::open_socket(int family) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return std::unexpected(os_error(errno));
  set_option(fd, IPPROTO_TCP, TCP_NODELAY);
  return fd;
}

Result<int> UringKernel::open_listener(const SocketAddress& address, int backlog) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return std::unexpected(os_error(errno));
  set_option(fd, SOL_SOCKET, SO_REUSEADDR);
  set_option(fd, SOL_SOCKET, SO_REUSEPORT);  // one listener per shard on one port
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE);  // inherited by accepted sockets, as is TCP_NODELAY
  set_option(fd, IPPROTO_TCP, TCP_NODELAY);
  if (address.storage.ss_family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.bytes) != 0 ||
      listen(fd, backlog) != 0) {
    const Error error = os_error(errno);
    ::close(fd);
    return std::unexpected(error);
  }
  return fd;
}

Result<SocketAddress> UringKernel::local_address(int fd) {
  SocketAddress address;
  address.bytes = sizeof(address.storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.bytes) != 0) {
    return std::unexpected(os_error(errno));
  }
  return address;
}

// shutdown(2) itself: IORING_OP_SHUTDOWN always goes through a worker thread.
void UringKernel::shutdown_socket(int fd, int how) { static_cast<void>(shutdown(fd, how)); }

void UringKernel::close_socket(int fd) { static_cast<void>(::close(fd)); }

io_uring_sqe& UringKernel::prepare(std::uint8_t opcode, int fd, Op& op) noexcept {
  io_uring_sqe& sqe = ring_.next_sqe();
  sqe.opcode = opcode;
  sqe.fd = fd;
  sqe.user_data = reinterpret_cast<std::uint64_t>(&op);
  op.started();
  return sqe;
}

void UringKernel::accept(int fd, Op& op) {
  io_uring_sqe& sqe = prepare(IORING_OP_ACCEPT, fd, op);
  sqe.ioprio = IORING_ACCEPT_MULTISHOT;
  sqe.accept_flags = SOCK_CLOEXEC;
}

io_uring_sqe& UringKernel::prepare_recv(int fd, Op& op) noexcept {
  io_uring_sqe& sqe = prepare(IORING_OP_RECV, fd, op);
  sqe.flags = IOSQE_BUFFER_SELECT;
  sqe.buf_group = BufferRing::kGroup;
  return sqe;
}

void UringKernel::recv(int fd, Op& op) { prepare_recv(fd, op).ioprio = IORING_RECV_MULTISHOT; }

void UringKernel::recv_once(int fd, Op& op) { static_cast<void>(prepare_recv(fd, op)); }

void UringKernel::recv_into(int fd, std::span<char> target, Op& op) {
  io_uring_sqe& sqe = prepare(IORING_OP_RECV, fd, op);
  sqe.addr = reinterpret_cast<std::uint64_t>(target.data());
  sqe.len = static_cast<std::uint32_t>(target.size());
}

void UringKernel::send(int fd, msghdr& message, Op& op) {
  // WAITALL: after a short send the kernel goes on by itself once the socket takes more.
  constexpr std::uint32_t kFlags = MSG_NOSIGNAL | MSG_WAITALL;
  io_uring_sqe& sqe = prepare(vectorized_send_ ? IORING_OP_SEND : IORING_OP_SENDMSG, fd, op);
  sqe.msg_flags = kFlags;
  if (message.msg_iovlen == 1) {
    sqe.opcode = IORING_OP_SEND;
    sqe.addr = reinterpret_cast<std::uint64_t>(message.msg_iov->iov_base);
    sqe.len = static_cast<std::uint32_t>(message.msg_iov->iov_len);
  } else if (vectorized_send_) {
    sqe.addr = reinterpret_cast<std::uint64_t>(message.msg_iov);
    sqe.len = static_cast<std::uint32_t>(message.msg_iovlen);
    sqe.ioprio = uring::kSendVectorized;
  } else {
    sqe.addr = reinterpret_cast<std::uint64_t>(&message);
    sqe.len = 1;
  }
}

void UringKernel::connect(int fd, const SocketAddress& address, Op& op) {
  io_uring_sqe& sqe = prepare(IORING_OP_CONNECT, fd, op);
  sqe.addr = reinterpret_cast<std::uint64_t>(&address.storage);
  sqe.off = address.bytes;
}

void UringKernel::poll(int fd, std::uint32_t mask, Op& op) {
  io_uring_sqe& sqe = prepare(IORING_OP_POLL_ADD, fd, op);
  sqe.poll32_events = mask;
}

void UringKernel::cancel(Op& op) {
  if (!op.in_flight()) return;
  io_uring_sqe& sqe = ring_.next_sqe();
  sqe.opcode = IORING_OP_ASYNC_CANCEL;
  sqe.fd = -1;
  sqe.addr = reinterpret_cast<std::uint64_t>(&op);
  sqe.user_data = kIgnored;
  sqe.flags = IOSQE_CQE_SKIP_SUCCESS;
}

void UringKernel::wake(Kernel& other) {
  io_uring_sqe& sqe = ring_.next_sqe();
  sqe.opcode = IORING_OP_MSG_RING;
  sqe.fd = static_cast<UringKernel&>(other).ring_.fd();
  sqe.off = kWoken;  // becomes the user_data of the completion over there
  sqe.user_data = kIgnored;
  sqe.flags = IOSQE_CQE_SKIP_SUCCESS;
}

void UringKernel::deliver(const io_uring_cqe& cqe) noexcept {
  if (cqe.user_data == kIgnored || cqe.user_data == kWoken) return;
  Op& op = *reinterpret_cast<Op*>(cqe.user_data);
  Completion completion;
  completion.result = cqe.res;
  completion.more = (cqe.flags & IORING_CQE_F_MORE) != 0;
  if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
    completion.slice =
        buffers_.received(cqe.flags, cqe.res > 0 ? static_cast<std::uint32_t>(cqe.res) : 0);
  }
  op.complete(std::move(completion));
}

std::size_t UringKernel::deliver_all() {
  return ring_.for_each_completion([this](const io_uring_cqe& cqe) { deliver(cqe); });
}

std::size_t UringKernel::collect(Instant now, Instant until) {
  buffers_.publish();
  // Many buffers are in use: first what is queued, the sends among it that let go of them, else the
  // receives that come up meanwhile would find none, and each costs an operation more. Never twice
  // in a row: the receives must come, too.
  if (!std::exchange(sends_first_, false) && buffers_.is_low() && ring_.queued() > 0) {
    check(ring_.submit());
    if (const std::size_t count = deliver_all(); count > 0) {
      sends_first_ = true;
      return count;
    }
  }
  // A sleep with nothing to wake us but other shards: for ever, in the kernel's words a negative
  // timeout.
  const Duration timeout = until == kNever ? Duration(-1) : until - now;
  const bool wait = (until == kNever || until > now) && !ring_.has_completion();
  // Timers that are due soon have been promised to the millisecond.
  const bool gather = gathering_ && (timeout < Duration::zero() || timeout >= 1ms);
  check(ring_.enter(wait, timeout, gather));
  std::size_t count = deliver_all();
  // One enter runs at most 20 deferred items (6.13): look again while more wait. Once only: the
  // more connections a turn takes up, the more of them have left the cache by its next step.
  if (ring_.has_deferred_work() && !buffers_.is_low()) {
    buffers_.publish();
    static_cast<void>(ring_.enter(false, Duration::zero()));
    count += deliver_all();
  }
  return count;
}

std::string UringKernel::features() const {
  std::string text = ring_.defers_work() ? "DEFER_TASKRUN" : "COOP_TASKRUN";
  text += buffers_.incremental() ? ", incremental buffers" : ", plain buffers";
  text += vectorized_send_ ? ", vectorized send" : ", sendmsg";
  if (can_gather_) text += ", min-wait";
  return text;
}

std::string uring_refusal(int os_errno, std::string_view disabled_setting) {
  const std::string what =
      std::string("io_uring cannot be used here: ") + std::strerror(os_errno) + ". ";
  if (os_errno == ENOMEM) {
    return what +
           "The limit on locked memory is too small for the rings. Raise it: `ulimit -l "
           "unlimited`, or "
           "LimitMEMLOCK=infinity in the systemd unit.";
  }
  if (os_errno == ENOSYS) {
    return what +
           "This kernel was built without io_uring, or a seccomp profile hides it. sluice needs "
           "Linux 6.1 or newer; in a "
           "container, allow io_uring_setup, io_uring_enter and io_uring_register in the seccomp "
           "profile.";
  }
  if (!disabled_setting.empty() && disabled_setting.front() != '0') {
    return what + "The setting kernel.io_uring_disabled is " +
           std::string(1, disabled_setting.front()) +
           ". Allow it: `sysctl -w kernel.io_uring_disabled=0`" +
           (disabled_setting.front() == '1'
                ? ", or put sluice's user into the group of kernel.io_uring_group."
                : ".");
  }
  if (os_errno == EPERM || os_errno == EACCES) {
    return what +
           "A seccomp profile forbids it, as the default profiles of Docker and containerd do. "
           "Allow the system calls "
           "io_uring_setup, io_uring_enter and io_uring_register in the container's seccomp "
           "profile.";
  }
  return what + "sluice needs Linux 6.1 or newer.";
}

}  // namespace sluice
