#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"

namespace sluice {

// LogRing - a bounded ring of bytes from one producer thread to the writer thread. Whole lines go
// in, so what stands in it at any moment is whole lines.
//
// Owns      its bytes, kBytes.
// Affinity  push() one producer; filled() and release() the writer; the others any thread.
// Cost      push() copies the line and stores once; no lock, no system call.
class LogRing {
 public:
  static constexpr std::size_t kBytes = 256 * 1024;  // about 1,000 lines of a busy moment

  // False, and one more dropped line, when `line` finds no room.
  bool push(std::string_view line) noexcept;

  // What waits to be written, in at most two pieces (the second is where the ring has wrapped).
  struct Filled {
    std::string_view pieces[2];
    [[nodiscard]] std::size_t bytes() const noexcept { return pieces[0].size() + pieces[1].size(); }
  };
  [[nodiscard]] Filled filled() const noexcept;
  void release(std::size_t bytes) noexcept;

  [[nodiscard]] std::size_t bytes_waiting() const noexcept;
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_.load(std::memory_order_relaxed);
  }

 private:
  // Counts of bytes since the start; the place in the ring is the count modulo kBytes. Each on a
  // cache line of its own, because each is written by another thread.
  alignas(64) std::atomic<std::uint64_t> pushed_{0};
  std::uint64_t released_seen_ = 0;  // the producer's copy of released_, read anew only when full
  std::atomic<std::uint64_t> dropped_{0};
  alignas(64) std::atomic<std::uint64_t> released_{0};
  alignas(64) char bytes_[kBytes];
};

// LogWriter - the thread that writes the lines of all others to a file descriptor, so that no shard
// ever waits for a terminal, a pipe or a disk.
//
// A producer wakes the writer (a futex call) only when the writer sleeps. After the writer has
// found lines it looks again every kNap without being woken, and falls asleep when a nap has
// brought nothing; so a busy producer makes no system call at all, and a line waits kNap at most. A
// ring that is half full cuts a nap short.
//
// Owns      the rings, the sinks and the thread. Lines that found no room are dropped and counted;
//           the writer reports them in a line of its own. Not the descriptor.
// Affinity  add_producer() from any thread; each sink belongs to one thread at a time.
// Lifetime  longer than its producers. The destructor writes what the rings hold, for kFlushTime at
//           most if the reader of the descriptor has stopped reading.
class LogWriter {
 public:
  static constexpr Duration kNap = 10ms;
  static constexpr Duration kFlushTime = 2s;

  // `clock` is the writer thread's own.
  LogWriter(int fd, LogFormat format, Clock& clock);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // A sink for one more thread; lives as long as this.
  [[nodiscard]] LogSink& add_producer();

  // Lines dropped so far, by all producers.
  [[nodiscard]] std::uint64_t lines_dropped() const;

 private:
  class Sink;
  class DirectSink;
  enum State : std::uint32_t { kAwake, kNapping, kAsleep };

  void run() noexcept;
  bool drain();  // true when there was something
  void rest(State state) noexcept;
  void wake() noexcept;
  [[nodiscard]] bool must_not_rest(State state) const noexcept;
  // False when the bytes could not be written.
  bool write_all(LogRing::Filled filled) noexcept;
  bool wait_until_writable() noexcept;
  void report_drops();

  const int fd_;
  const LogFormat format_;
  Clock* const clock_;
  std::atomic<std::uint32_t> state_{kAwake};  // what the writer does; the futex word
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> unwritten_{0};  // lines that the descriptor refused

  mutable std::mutex producers_mutex_;  // held for a moment, never while writing
  std::vector<std::unique_ptr<Sink>> producers_;
  std::atomic<std::size_t> producer_count_{0};  // producers_.size(), to see newcomers without it

  // The writer thread's own.
  std::vector<Sink*> drained_;  // all producers seen so far
  std::size_t write_bytes_max_;
  Instant flush_until_ = kNever;
  std::uint64_t drops_reported_ = 0;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace sluice
