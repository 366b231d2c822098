// The bare io_uring relay: forwards the bytes between each client and a connection of its own to
// the upstream, and parses nothing. The least that a proxy on io_uring can cost.
//
// On engine/io's rings (DEFER_TASKRUN, SINGLE_ISSUER, NO_SQARRAY where the kernel has it, entered
// by the registered index): multishot accept and recv, provided buffers, one send in flight for
// each direction, in which all goes that one wake-up has brought. No timers, limits or spinning.

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/assert.h"
#include "bench/relay/options.h"
#include "bench/relay/sockets.h"
#include "engine/io/buffer_ring.h"
#include "engine/io/uring_ring.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kUsage =
    "uring_relay --upstream ADDRESS:PORT [--listen ADDRESS:PORT] [--buffers plain|incremental]";
constexpr std::size_t kPiecesMax = 64;  // 256 KiB in plain buffers: a large answer is one send

// What a completion is of: the low bits of its user_data, below the address of an end.
enum class Step : std::uint64_t { kAccept, kConnect, kRecv, kSend };
constexpr std::uint64_t kStepMask = 7;

struct RelayPair;

// One end of a pair. `waiting`: what came for it and is in no send; `sending`: what is in one, from
// the piece `first` on.
struct alignas(8) RelayEnd {
  RelayPair* pair = nullptr;
  RelayEnd* other = nullptr;
  int fd = -1;
  bool send_in_flight = false;
  bool listed = false;  // in the list of ends that have something to send
  std::size_t first = 0;
  std::vector<Slice> waiting;
  std::vector<Slice> sending;
  std::array<iovec, kPiecesMax> vectors{};
  msghdr message{};
};

struct RelayPair {
  RelayEnd client;
  RelayEnd upstream;
  int operations = 0;  // in flight: it lives until the last has completed
  bool closing = false;
};

class UringRelay {
 public:
  UringRelay(int listener, const sockaddr_in& upstream, bool incremental)
      : listener_(listener), upstream_(upstream) {
    errno = ring_.open({});
    if (errno != 0) end_os("io_uring");
    errno = buffers_.open(ring_, {.allow_incremental = incremental});
    if (errno != 0) end_os("io_uring buffers");
    accept();
  }

  [[noreturn]] void run() {
    for (;;) {
      buffers_.publish();
      const bool wait = !ring_.has_completion() && !ring_.has_deferred_work();
      const int failed = ring_.enter(wait, Duration(-1));
      SL_ASSERT(failed == 0 || failed == EBUSY || failed == EAGAIN);
      ring_.for_each_completion([this](const io_uring_cqe& cqe) { on_completion(cqe); });
      for (std::size_t i = 0; i < to_send_.size(); ++i) {
        to_send_[i]->listed = false;
        send_waiting(*to_send_[i]);
      }
      to_send_.clear();
      for (RelayPair* const pair : dead_) delete pair;
      dead_.clear();
      if (!starved_.empty() && buffers_.free_count() >= buffers_.total() / 4) rearm_starved();
    }
  }

 private:
  io_uring_sqe& prepare(std::uint8_t opcode, int fd, RelayEnd* end, Step step) {
    io_uring_sqe& sqe = ring_.next_sqe();
    sqe.opcode = opcode;
    sqe.fd = fd;
    sqe.user_data = reinterpret_cast<std::uint64_t>(end) | static_cast<std::uint64_t>(step);
    if (end != nullptr) ++end->pair->operations;
    return sqe;
  }

  void accept() {
    io_uring_sqe& sqe = prepare(IORING_OP_ACCEPT, listener_, nullptr, Step::kAccept);
    sqe.ioprio = IORING_ACCEPT_MULTISHOT;
    sqe.accept_flags = SOCK_CLOEXEC;
  }

  void recv(RelayEnd& end) {
    io_uring_sqe& sqe = prepare(IORING_OP_RECV, end.fd, &end, Step::kRecv);
    sqe.ioprio = IORING_RECV_MULTISHOT;
    sqe.flags = IOSQE_BUFFER_SELECT;
    sqe.buf_group = BufferRing::kGroup;
  }

  void on_completion(const io_uring_cqe& cqe) {
    const auto step = static_cast<Step>(cqe.user_data & kStepMask);
    const bool more = (cqe.flags & IORING_CQE_F_MORE) != 0;
    if (step == Step::kAccept) {
      if (cqe.res >= 0) start_pair(cqe.res);
      if (!more) accept();
      return;
    }
    RelayEnd& end = *reinterpret_cast<RelayEnd*>(cqe.user_data & ~kStepMask);
    RelayPair& pair = *end.pair;
    if (step == Step::kRecv) on_received(end, cqe, more);
    else if (step == Step::kSend) on_sent(end, cqe.res);
    else on_connected(end, cqe.res);
    if (!more && --pair.operations == 0 && pair.closing) finish(pair);
  }

  void start_pair(int client) {
    const int upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (upstream < 0) end_os("socket");
    set_no_delay(upstream);
    auto* const pair = new RelayPair;
    pair->client.fd = client;
    pair->upstream.fd = upstream;
    pair->client.pair = pair->upstream.pair = pair;
    pair->client.other = &pair->upstream;
    pair->upstream.other = &pair->client;
    io_uring_sqe& sqe = prepare(IORING_OP_CONNECT, upstream, &pair->upstream, Step::kConnect);
    sqe.addr = reinterpret_cast<std::uint64_t>(&upstream_);
    sqe.off = sizeof(upstream_);
  }

  void on_connected(RelayEnd& upstream, int result) {
    if (result != 0) return close_pair(*upstream.pair);
    recv(upstream);
    recv(*upstream.other);
  }

  void on_received(RelayEnd& end, const io_uring_cqe& cqe, bool more) {
    if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
      Slice slice =
          buffers_.received(cqe.flags, cqe.res > 0 ? static_cast<std::uint32_t>(cqe.res) : 0);
      if (cqe.res > 0 && !end.pair->closing) queue(*end.other, std::move(slice));
    }
    if (more || end.pair->closing) return;
    if (cqe.res > 0) recv(end);
    else if (cqe.res == -ENOBUFS) starved_.push_back(&end);
    else close_pair(*end.pair);
  }

  void queue(RelayEnd& to, Slice slice) {
    if (to.waiting.empty() || !to.waiting.back().absorb(slice)) {
      to.waiting.push_back(std::move(slice));
    }
    list(to);
  }

  void list(RelayEnd& to) {
    if (to.listed || to.send_in_flight) return;
    to.listed = true;
    to_send_.push_back(&to);
  }

  // All that waits in one send.
  void send_waiting(RelayEnd& to) {
    if (to.pair->closing || to.send_in_flight) return;
    if (to.first == to.sending.size()) {
      to.sending.clear();
      to.first = 0;
      std::swap(to.sending, to.waiting);
    }
    std::size_t count = 0;
    for (std::size_t i = to.first; i < to.sending.size() && count < kPiecesMax; ++i) {
      to.vectors[count++] = {.iov_base = to.sending[i].data(), .iov_len = to.sending[i].size()};
    }
    if (count == 0) return;
    const bool one = count == 1;
    io_uring_sqe& sqe = prepare(one ? IORING_OP_SEND : IORING_OP_SENDMSG, to.fd, &to, Step::kSend);
    sqe.msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
    if (one) {
      sqe.addr = reinterpret_cast<std::uint64_t>(to.vectors[0].iov_base);
      sqe.len = static_cast<std::uint32_t>(to.vectors[0].iov_len);
    } else {
      to.message.msg_iov = to.vectors.data();
      to.message.msg_iovlen = count;
      sqe.addr = reinterpret_cast<std::uint64_t>(&to.message);
      sqe.len = 1;
    }
    to.send_in_flight = true;
  }

  void on_sent(RelayEnd& end, int result) {
    end.send_in_flight = false;
    if (end.pair->closing) return;
    if (result < 0) return close_pair(*end.pair);
    auto left = static_cast<std::size_t>(result);
    while (left > 0) {
      Slice& slice = end.sending[end.first];
      const std::size_t some = std::min<std::size_t>(left, slice.size());
      slice.drop_front(some);
      left -= some;
      if (slice.empty()) ++end.first;
    }
    if (end.first < end.sending.size() || !end.waiting.empty()) list(end);
  }

  void rearm_starved() {
    std::vector<RelayEnd*> starved;
    std::swap(starved, starved_);
    for (RelayEnd* const end : starved) recv(*end);
  }

  // Both recvs end by the shutdown; the descriptors are closed when nothing names them any more.
  void close_pair(RelayPair& pair) {
    if (pair.closing) return;
    pair.closing = true;
    shutdown(pair.client.fd, SHUT_RDWR);
    shutdown(pair.upstream.fd, SHUT_RDWR);
    std::erase(starved_, &pair.client);
    std::erase(starved_, &pair.upstream);
  }

  void finish(RelayPair& pair) {
    close(pair.client.fd);
    close(pair.upstream.fd);
    dead_.push_back(&pair);
  }

  UringRing ring_;
  BufferRing buffers_;
  int listener_;
  sockaddr_in upstream_;
  std::vector<RelayEnd*> to_send_;
  std::vector<RelayEnd*> starved_;
  std::vector<RelayPair*> dead_;
};

int run(int argc, char** argv) {
  constexpr std::array<std::string_view, 3> kKnown = {"listen", "upstream", "buffers"};
  const CommandLine options(argc, argv, kKnown, kUsage);
  const std::string buffers = options.text("buffers", "incremental");
  if (buffers != "plain" && buffers != "incremental")
    end_usage("--buffers: \"" + buffers + "\" is neither plain nor incremental");
  raise_descriptor_limit();
  const int listener = open_listener(parse_ipv4(options.text("listen", "127.0.0.1:0")));
  static UringRelay relay(listener, parse_ipv4(options.text("upstream")), buffers == "incremental");
  announce_listener(listener, "http");
  relay.run();
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) { return sluice::bench::run(argc, argv); }
