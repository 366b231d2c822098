#pragma once

#include <functional>
#include <string_view>

#include "engine/io/kernel.h"

namespace sluice {

// FakeKernel - a kernel that knows no sockets: it tells how a shard waits, and lets a test act
// while the shard sleeps.
class FakeKernel final : public Kernel {
 public:
  // Called by every collect(), with whether it may sleep.
  std::function<void(bool sleeps)> on_collect = [](bool) {};
  std::function<bool()> on_look = [] { return false; };  // has_completions()
  Kernel* woken = nullptr;                               // by the last wake()
  int wakes = 0;
  int unsubmitted = 0;  // wake-ups that wait for the next collect()

  std::size_t completions = 1;  // of each collect()

  std::size_t collect(Instant now, Instant until) override {
    unsubmitted = 0;
    on_collect(until > now);
    return completions;
  }
  bool gathering = false;
  void set_gathering(bool on) override { gathering = on; }
  [[nodiscard]] bool has_unsubmitted() const override { return unsubmitted > 0; }
  [[nodiscard]] bool has_completions() const override { return on_look(); }
  void wake(Kernel& other) override {
    woken = &other;
    ++wakes;
    ++unsubmitted;
  }

  Result<int> open_socket(int) override { return no_socket(); }
  Result<int> open_listener(const SocketAddress&, int) override { return no_socket(); }
  Result<SocketAddress> local_address(int) override { return std::unexpected(Error{}); }
  void shutdown_socket(int, int) override { no_operation(); }
  void close_socket(int) override { no_operation(); }
  void accept(int, Op&) override { no_operation(); }
  void recv(int, Op&) override { no_operation(); }
  void recv_into(int, std::span<char>, Op&) override { no_operation(); }
  void send(int, msghdr&, Op&) override { no_operation(); }
  void connect(int, const SocketAddress&, Op&) override { no_operation(); }
  void poll(int, std::uint32_t, Op&) override { no_operation(); }
  void cancel(Op&) override { no_operation(); }
  [[nodiscard]] std::size_t buffers_free() const override { return 1; }
  [[nodiscard]] std::size_t buffers_total() const override { return 1; }
  [[nodiscard]] std::string_view name() const override { return "fake"; }

 private:
  static Result<int> no_socket() { return std::unexpected(Error{.code = Errc::kUnsupported}); }
  static void no_operation() { SL_ASSERT(false); }
};

}  // namespace sluice
