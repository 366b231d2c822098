#include "tools/mock/mock_shard.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>

#include "engine/io/accept_stream.h"
#include "engine/net/address.h"
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

// The provider's side of one shard, while it serves.
struct Serving {
  ProviderState& state;
  const ServerTlsContext* tls;
  Scope& connections;
  CancelSource& shard_end;
};

Task<void> serve_listener(Shard& shard, Serving& serving, int listener) {
  AcceptStream accepts(shard);
  accepts.start(listener);
  while (true) {
    const Result<int> fd = co_await accepts.next(&serving.shard_end);
    if (!fd && fd.error().os_errno != 0) continue;  // no descriptor was left: it goes on
    if (!fd) break;
    serving.connections.spawn(
        serve_mock_connection(shard, serving.state, *fd, serving.tls, serving.shard_end));
  }
  co_await accepts.stop();
}

Task<void> serve_all(Shard& shard, ProviderState& state, std::span<const int> listeners,
                     const ServerTlsContext* tls, const StopFlag& stop) {
  CancelSource shard_end;
  Scope scope(shard);
  Serving serving{state, tls, scope, shard_end};
  scope.spawn(wait_for_stop(shard, stop, shard_end));
  for (const int listener : listeners) scope.spawn(serve_listener(shard, serving, listener));
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

std::optional<std::string> MockShard::open(std::vector<SocketAddress>& addresses) {
  constexpr int kBacklog = 4096;  // bursts of a load generator; the kernel caps it at somaxconn
  if (const int fault = kernel.open({}); fault != 0) return uring_refusal(fault, uring_setting());
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    SocketAddress& address = addresses[i];
    if (port_of(address) == 0) address = socket_address(*ip_of(address), port_of(addresses[0]));
    const Result<int> opened = kernel.open_listener(address, kBacklog);
    if (!opened) {
      if (i > 0 && lacks_family(opened.error())) {
        addresses.resize(i);
        break;
      }
      return "cannot listen on " + address_text(address) + ": " +
             std::strerror(opened.error().os_errno);
    }
    listeners.push_back(*opened);
    if (const Result<SocketAddress> local = kernel.local_address(*opened)) address = *local;
  }
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
  const Task<void> task = serve_all(*shard, state, listeners, tls, stop);
  shard->run();
  SL_ASSERT(task.done());
  for (const int listener : listeners) kernel.close_socket(listener);
}

}  // namespace sluice
