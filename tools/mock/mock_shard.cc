#include "tools/mock/mock_shard.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>

#include "engine/io/accept_stream.h"
#include "engine/task/scope.h"
#include "tools/mock/connection.h"

namespace sluice {
namespace {

// StderrSink - warnings of the mock; it is a tool, and may block on its terminal.
class StderrSink final : public LogSink {
 public:
  void write(std::string_view line) noexcept override {
    static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
  }
};

// PollOnce - waits until a descriptor is readable.
class PollOnce final : public Op, private Wait {
 public:
  PollOnce(Reactor& reactor, int fd) noexcept : Wait(reactor, Limits{}, Side::kOurs), fd_(fd) {}
  bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    suspend(waiter);
    reactor().kernel().poll(fd_, POLLIN, *this);
  }
  void await_resume() noexcept {}

 private:
  void on_completion(Completion) noexcept override { wake(); }
  int fd_;
};

Task<void> wait_for_stop(Shard& shard, const StopFlag& stop, CancelSource& shard_end) {
  co_await PollOnce(shard, stop.fd());
  shard_end.request(Error{.code = Errc::kDrained});
}

Task<void> serve_listener(Shard& shard, ProviderState& state, int listener,
                          const ServerTlsContext* tls, const StopFlag& stop) {
  CancelSource shard_end;
  Scope scope(shard);
  AcceptStream accepts(shard);
  accepts.start(listener);
  scope.spawn(wait_for_stop(shard, stop, shard_end));
  while (true) {
    const Result<int> fd = co_await accepts.next(&shard_end);
    if (!fd) break;
    scope.spawn(serve_mock_connection(shard, state, *fd, tls, shard_end));
  }
  co_await accepts.stop();
  co_await scope.join();
  shard.stop();
}

std::string uring_setting() {
  std::ifstream file("/proc/sys/kernel/io_uring_disabled");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

StopFlag::StopFlag() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { SL_ASSERT(fd_ >= 0); }
StopFlag::~StopFlag() { ::close(fd_); }

void StopFlag::raise() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(fd_, &one, sizeof(one)));
}

std::optional<std::string> MockShard::open(SocketAddress& address) {
  constexpr int kBacklog = 4096;  // bursts of a load generator; the kernel caps it at somaxconn
  if (const int fault = kernel.open({}); fault != 0) return uring_refusal(fault, uring_setting());
  const Result<int> opened = kernel.open_listener(address, kBacklog);
  if (!opened)
    return "cannot listen: " + std::string(errc_text(opened.error().code)) + ", errno " +
           std::to_string(opened.error().os_errno);
  listener = *opened;
  const Result<SocketAddress> local = kernel.local_address(listener);
  if (local) address = *local;
  return std::nullopt;
}

void MockShard::run(std::uint32_t index, ProviderState& state, const ServerTlsContext* tls,
                    const StopFlag& stop) {
  SystemClock clock;
  StderrSink sink;
  const Log log(sink, clock, LogLevel::kWarning, LogFormat::kText);
  // No spinning: the mock shares its machine with what is tested.
  const Shard::Options options{.index = index, .seed = index + 1, .spin_max = Duration::zero()};
  // On the heap: gcc 12 does not align what AddressSanitizer moves off the stack (GCC bug 110027).
  // It must outlive the task, as its frame lies in the shard's pool.
  const auto shard = std::make_unique<Shard>(options, kernel, clock, log);
  const Task<void> task = serve_listener(*shard, state, listener, tls, stop);
  shard->run();
  SL_ASSERT(task.done());
  kernel.close_socket(listener);
}

}  // namespace sluice
