#include "engine/log_writer.h"

#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace sluice {
namespace {

timespec to_timespec(Duration duration) {
  return {.tv_sec = static_cast<time_t>(duration / 1s),
          .tv_nsec = static_cast<long>((duration % 1s).count())};
}

// A write that poll() has allowed does not block when it is no larger than PIPE_BUF, so that a
// reader who has stopped cannot hold the writer beyond its flush time. Files do not block.
std::size_t write_bytes_max_of(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? 256 * 1024 : PIPE_BUF;
}

// The front of `filled`, at most `bytes_max` long and ending with a line if a line ends in it:
// lines of ours and of other writers to the same pipe then do not mix.
LogRing::Filled front_lines(const LogRing::Filled& filled, std::size_t bytes_max) {
  if (filled.bytes() <= bytes_max) return filled;
  const std::string_view first = filled.pieces[0].substr(0, bytes_max);
  const std::string_view second = filled.pieces[1].substr(0, bytes_max - first.size());
  const std::size_t in_second = second.rfind('\n');
  if (in_second != std::string_view::npos) return {{first, second.substr(0, in_second + 1)}};
  const std::size_t in_first = first.rfind('\n');
  if (in_first != std::string_view::npos) return {{first.substr(0, in_first + 1), {}}};
  return {{first, second}};
}

void drop_front(LogRing::Filled& filled, std::size_t bytes) {
  const std::size_t first = std::min(bytes, filled.pieces[0].size());
  filled.pieces[0].remove_prefix(first);
  filled.pieces[1].remove_prefix(bytes - first);
}

std::uint64_t count_lines(const LogRing::Filled& filled) {
  return static_cast<std::uint64_t>(std::ranges::count(filled.pieces[0], '\n') +
                                    std::ranges::count(filled.pieces[1], '\n'));
}

}  // namespace

bool LogRing::push(std::string_view line) noexcept {
  const std::uint64_t pushed = pushed_.load(std::memory_order_relaxed);
  if (pushed + line.size() - released_seen_ > kBytes) {
    released_seen_ = released_.load(std::memory_order_acquire);
    if (pushed + line.size() - released_seen_ > kBytes) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
  }
  const std::size_t at = pushed % kBytes;
  const std::size_t first = std::min(line.size(), kBytes - at);
  std::memcpy(bytes_ + at, line.data(), first);
  std::memcpy(bytes_, line.data() + first, line.size() - first);
  // Sequentially consistent, and so is the load of the writer's state after it: either the producer
  // sees that the writer rests, or the writer sees the line before it does.
  pushed_.store(pushed + line.size(), std::memory_order_seq_cst);
  return true;
}

LogRing::Filled LogRing::filled() const noexcept {
  const std::uint64_t released = released_.load(std::memory_order_relaxed);
  const std::uint64_t pushed = pushed_.load(std::memory_order_seq_cst);
  const std::size_t size = static_cast<std::size_t>(pushed - released);
  const std::size_t at = released % kBytes;
  const std::size_t first = std::min(size, kBytes - at);
  return {{{bytes_ + at, first}, {bytes_, size - first}}};
}

std::size_t LogRing::bytes_waiting() const noexcept {
  // In this order: what is released was pushed before, so the difference is never negative.
  const std::uint64_t released = released_.load(std::memory_order_acquire);
  return static_cast<std::size_t>(pushed_.load(std::memory_order_seq_cst) - released);
}

void LogRing::release(std::size_t bytes) noexcept {
  const std::uint64_t released = released_.load(std::memory_order_relaxed);
  released_.store(released + bytes, std::memory_order_release);
}

// Sink - what one producer writes to.
class LogWriter::Sink final : public LogSink {
 public:
  explicit Sink(LogWriter& writer) : writer_(&writer) {}

  void write(std::string_view line) noexcept override {
    ring_.push(line);
    const std::uint32_t state = writer_->state_.load(std::memory_order_seq_cst);
    if (state == kAwake) return;
    if (state == kNapping && ring_.bytes_waiting() < LogRing::kBytes / 2) return;
    writer_->wake();
  }
  [[nodiscard]] LogRing& ring() noexcept { return ring_; }

 private:
  LogWriter* writer_;
  LogRing ring_;
};

// DirectSink - writes the writer's own lines, past the rings.
class LogWriter::DirectSink final : public LogSink {
 public:
  explicit DirectSink(LogWriter& writer) : writer_(&writer) {}
  void write(std::string_view line) noexcept override { writer_->write_all({{line, {}}}); }

 private:
  LogWriter* writer_;
};

LogWriter::LogWriter(int fd, LogFormat format, Clock& clock)
    : fd_(fd),
      format_(format),
      clock_(&clock),
      write_bytes_max_(write_bytes_max_of(fd)),
      thread_([this] { run(); }) {}

LogWriter::~LogWriter() {
  stop_.store(true, std::memory_order_seq_cst);
  wake();
  thread_.join();
}

LogSink& LogWriter::add_producer() {
  const std::lock_guard lock(producers_mutex_);
  producers_.push_back(std::make_unique<Sink>(*this));
  producer_count_.store(producers_.size(), std::memory_order_seq_cst);
  return *producers_.back();
}

std::uint64_t LogWriter::lines_dropped() const {
  const std::lock_guard lock(producers_mutex_);
  std::uint64_t sum = unwritten_.load(std::memory_order_relaxed);
  for (const auto& producer : producers_) sum += producer->ring().dropped();
  return sum;
}

// Signals are for the threads that wait for them; a write to a pipe nobody reads must not kill.
void LogWriter::run() noexcept {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (!stop_.load(std::memory_order_seq_cst)) rest(drain() ? kNapping : kAsleep);
  flush_until_ = std::min(flush_until_, clock_->now() + kFlushTime);
  while (drain() && clock_->now() < flush_until_) {
  }
}

bool LogWriter::drain() {
  {
    const std::lock_guard lock(producers_mutex_);
    for (std::size_t i = drained_.size(); i < producers_.size(); ++i)
      drained_.push_back(producers_[i].get());
  }
  bool found = false;
  for (Sink* const producer : drained_) {
    const LogRing::Filled filled = producer->ring().filled();
    if (filled.bytes() == 0) continue;
    found = true;
    LogRing::Filled rest = filled;
    while (rest.bytes() > 0) {
      const LogRing::Filled part = front_lines(rest, write_bytes_max_);
      if (!write_all(part)) unwritten_.fetch_add(count_lines(part), std::memory_order_relaxed);
      producer->ring().release(part.bytes());
      drop_front(rest, part.bytes());
    }
  }
  report_drops();
  return found;
}

void LogWriter::report_drops() {
  const std::uint64_t dropped = lines_dropped();
  if (dropped == drops_reported_) return;
  const auto count = static_cast<std::int64_t>(dropped - drops_reported_);
  drops_reported_ = dropped;
  DirectSink sink(*this);
  const Log log(sink, *clock_, LogLevel::kDebug, format_);
  LogLine(log, LogLevel::kWarning, "log lines dropped").field("count", count);
}

bool LogWriter::write_all(LogRing::Filled filled) noexcept {
  while (filled.bytes() > 0) {
    if (!wait_until_writable()) return false;
    iovec pieces[2];
    for (int i = 0; i < 2; ++i)
      pieces[i] = {const_cast<char*>(filled.pieces[i].data()), filled.pieces[i].size()};
    const ssize_t written = writev(fd_, pieces, 2);
    if (written >= 0) drop_front(filled, static_cast<std::size_t>(written));
    else if (errno != EINTR && errno != EAGAIN) return false;
  }
  return true;
}

// False when stopping has taken longer than kFlushTime and the descriptor takes nothing.
bool LogWriter::wait_until_writable() noexcept {
  for (;;) {
    constexpr int kLookForStopMs = 100;
    const bool out_of_time = flush_until_ != kNever && clock_->now() >= flush_until_;
    pollfd waiting{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (poll(&waiting, 1, out_of_time ? 0 : kLookForStopMs) > 0)
      return true;  // an error shows itself when writing
    if (out_of_time) return false;
    if (stop_.load(std::memory_order_seq_cst) && flush_until_ == kNever)
      flush_until_ = clock_->now() + kFlushTime;
  }
}

void LogWriter::rest(State state) noexcept {
  const timespec nap = to_timespec(kNap);
  state_.store(state, std::memory_order_seq_cst);
  // From here on a producer wakes us; what came before it could, is seen here.
  if (!must_not_rest(state))
    syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, state, state == kNapping ? &nap : nullptr,
            nullptr, 0);
  state_.store(kAwake, std::memory_order_seq_cst);
}

bool LogWriter::must_not_rest(State state) const noexcept {
  if (stop_.load(std::memory_order_seq_cst)) return true;
  if (producer_count_.load(std::memory_order_seq_cst) != drained_.size()) return true;
  const std::size_t too_much = state == kNapping ? LogRing::kBytes / 2 : 1;
  return std::ranges::any_of(
      drained_, [&](Sink* producer) { return producer->ring().bytes_waiting() >= too_much; });
}

void LogWriter::wake() noexcept {
  if (state_.exchange(kAwake, std::memory_order_seq_cst) != kAwake)
    syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace sluice
