#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/io/kernel.h"
#include "tests/sim/kernel/sim_buffers.h"
#include "tests/sim/kernel/sim_net.h"
#include "tests/sim/kernel/sim_turns.h"

namespace sluice {

// What a SimKernel does wrong on purpose, so that a test shows that it would be found.
enum class SimBug : std::uint8_t {
  kNone,
  kByteTwice,          // a received byte comes again
  kByteLost,           // a received byte never comes
  kCompletionLost,     // a cancelled operation never ends
  kSendTakesTooMuch,   // a send says that it took everything, and took less
  kEndInsteadOfError,  // a receive without a buffer tells the end of the stream
};

// SimKernel - the Kernel over a SimNet: one thread, virtual time, and every freedom that the
// contract of Kernel leaves is used at random. Sockets behave as those of Linux.
//
// It aborts when its user breaks the contract: an operation on a closed descriptor, a second
// receive or send on a socket while one is in flight, a close with something in flight, bytes that
// change while they are sent; and when the user waits for ever with nothing left to happen.
//
// Owns      descriptors, operations, buffers.
// Lifetime  all descriptors must be closed before it dies (open_descriptors()).
class SimKernel final : public Kernel, private SimWatcher {
 public:
  explicit SimKernel(SimNet& net, SimBug bug = SimBug::kNone);
  ~SimKernel() override;

  Result<int> open_socket(int family) override;
  Result<int> open_listener(const SocketAddress& address, int backlog) override;
  Result<SocketAddress> local_address(int fd) override;
  void shutdown_socket(int fd, int how) override;
  void close_socket(int fd) override;

  void accept(int fd, Op& op) override;
  void recv(int fd, Op& op) override;
  void recv_into(int fd, std::span<char> target, Op& op) override;
  void send(int fd, msghdr& message, Op& op) override;
  void connect(int fd, const SocketAddress& address, Op& op) override;
  void poll(int fd, std::uint32_t mask, Op& op) override;
  void cancel(Op& op) override;

  std::size_t collect(Instant now, Instant until) override;
  void set_gathering(bool) override {}  // every sleep may end late here
  bool has_unsubmitted() const override { return !submissions_.empty(); }
  bool has_completions() const override { return !ready_.empty(); }
  void wake(Kernel& other) override;

  std::size_t buffers_free() const override { return buffers_.free_count(); }
  std::size_t buffers_total() const override { return buffers_.total(); }
  std::string_view name() const override { return "simulated"; }

  // Other kernels have their turns while this one waits.
  void take_turns(SimTurns& turns) { turns_ = &turns; }
  // collect() would return at once.
  [[nodiscard]] bool has_news() const { return woken_ || !ready_.empty(); }

  [[nodiscard]] std::size_t open_descriptors() const { return open_descriptors_; }
  [[nodiscard]] std::size_t in_flight() const { return operations_.size(); }
  // How often the unwelcome happened: a run in which nothing did proves little.
  struct Counters {
    std::uint64_t turns = 0;
    std::uint64_t no_buffers = 0;
    std::uint64_t short_reads = 0;
    std::uint64_t short_sends = 0;
    std::uint64_t multishot_ends = 0;
    std::uint64_t cancelled = 0;       // that ended with -ECANCELED
    std::uint64_t cancels_beaten = 0;  // cancelled too late
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  enum class Kind : std::uint8_t { kAccept, kRecv, kRecvInto, kSend, kConnect, kPoll };
  struct Operation {
    std::uint64_t id = 0;
    Kind kind = Kind::kRecv;
    int fd = -1;
    Op* op = nullptr;
    std::span<char> target;     // recv_into
    msghdr* message = nullptr;  // send
    std::string sent;           // what the message's bytes were when the send began
    std::size_t done = 0;       // bytes of it that were taken
    std::string address;        // connect
    std::deque<Completion> results;
    bool submitted = false;
    bool over = false;  // the last completion stands in `results`
  };
  struct Socket final : SimListener {
    void on_connection(SimEnd& far) override;
    SimKernel* kernel = nullptr;
    int fd = -1;
    SimEnd* end = nullptr;  // null: listening, or not connected
    std::string listens_at;
    SocketAddress address;
    std::deque<SimEnd*> backlog;
    std::vector<Operation*> operations;
    bool open = true;
    bool reset_told = false;
    bool writes_shut = false;
  };
  struct Submission {
    std::uint64_t id;
    bool cancel;
  };

  Socket& make_socket();
  [[nodiscard]] Socket& socket_of(int fd);
  Operation& begin(Kind kind, int fd, Op& op);
  void submit();
  void start(Operation& operation);
  void start_connect(Operation& operation);
  void cancel_now(std::uint64_t id);
  void progress(Operation& operation);
  void progress_accept(Operation& operation, Socket& socket);
  void progress_recv(Operation& operation, Socket& socket);
  void progress_recv_into(Operation& operation, Socket& socket);
  void progress_send(Operation& operation, Socket& socket);
  [[nodiscard]] bool ends(Operation& operation, Socket& socket);
  void add(Operation& operation, Completion completion);
  void finish(Operation& operation, std::int32_t result);
  void wait_for_news(Instant until);
  std::size_t deliver();
  void on_change(SimEnd& end) override;
  void starve(Operation& operation);
  [[noreturn]] void stuck();

  SimNet* net_;
  SimTurns* turns_ = nullptr;  // null: there is no other shard
  SimBug bug_;
  SimFaults faults_;
  SimBuffers buffers_;
  std::vector<std::unique_ptr<Socket>> sockets_;  // by descriptor, less kFirstDescriptor
  std::map<std::uint64_t, std::unique_ptr<Operation>> operations_;
  std::unordered_map<Op*, std::uint64_t> by_op_;
  std::unordered_map<std::uint64_t, int> by_end_;
  std::deque<Submission> submissions_;
  std::vector<std::uint64_t> ready_;  // operations with results
  std::uint64_t next_id_ = 1;
  std::size_t open_descriptors_ = 0;
  Counters counters_;
  bool woken_ = false;
};

}  // namespace sluice
