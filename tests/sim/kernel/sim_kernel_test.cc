// What a SimKernel demands of its user, and what it gives.
#include "tests/sim/kernel/sim_kernel.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "engine/net/address.h"

namespace sluice {
namespace {

// RecordingOp - keeps what completed.
struct RecordingOp final : Op {
  void on_completion(Completion completion) noexcept override {
    text += completion.slice.view();
    results.push_back(completion.result);
    more = completion.more;
  }
  std::vector<std::int32_t> results;
  std::string text;
  bool more = false;
};

// TakingListener - the other machine: keeps the end that it was given.
struct TakingListener final : SimListener {
  void on_connection(SimEnd& taken) override { end = &taken; }
  SimEnd* end = nullptr;
};

class SimKernelTest : public ::testing::Test {
 protected:
  static SimFaults no_faults() {
    SimFaults faults;
    faults.calm_peers();
    faults.short_read = faults.short_send = faults.completion_waits = 0;
    faults.multishot_ends = faults.slow_cancel = faults.accept_fails = faults.slow_segment = 0;
    return faults;
  }
  void open(const SimFaults& faults) {
    net_.emplace(clock_, log_, faults, 1);
    kernel_.emplace(*net_);
    net_->listen("192.0.2.1:80", &listener_);
    fd_ = *kernel_->open_socket(AF_INET);
    kernel_->connect(fd_, socket_address(*parse_ip("192.0.2.1"), 80), connect_);
    turn();
    ASSERT_EQ(connect_.results, std::vector<std::int32_t>{0});
  }
  void turn(Duration length = 100ms) {
    const Instant end = clock_.now() + length;
    while (clock_.now() < end) kernel_->collect(clock_.now(), end);
  }
  void send(RecordingOp& op, std::string& text) {
    piece_ = {text.data(), text.size()};
    message_.msg_iov = &piece_;
    message_.msg_iovlen = 1;
    kernel_->send(fd_, message_, op);
  }

  SimClock clock_;
  SimLog log_{clock_, false};
  TakingListener listener_;
  std::optional<SimNet> net_;
  std::optional<SimKernel> kernel_;
  RecordingOp connect_;
  int fd_ = -1;
  iovec piece_{};
  msghdr message_{};
};

TEST_F(SimKernelTest, BytesArriveInOrderHoweverTheyAreCut) {
  SimFaults faults = no_faults();
  faults.short_read = faults.multishot_ends = faults.completion_waits = 500;
  faults.buffers = 2;
  faults.buffer_bytes = 16;
  open(faults);
  std::string sent;
  for (int i = 0; i < 100; ++i) sent += "piece " + std::to_string(i) + ".";
  RecordingOp op;
  std::string received;
  std::size_t said = 0;
  bool starved = false;
  while (received.size() < sent.size()) {
    if (!op.in_flight()) kernel_->recv(fd_, op);
    if (said < sent.size()) said += listener_.end->write(std::string_view(sent).substr(said, 50));
    turn(10ms);
    received += std::exchange(op.text, {});
    starved = starved || (!op.results.empty() && op.results.back() == -ENOBUFS);
  }
  EXPECT_EQ(received, sent);
  kernel_->cancel(op);
  turn();
  EXPECT_FALSE(op.in_flight());
  kernel_->close_socket(fd_);
  EXPECT_EQ(kernel_->open_descriptors(), 0u);
}

TEST_F(SimKernelTest, AReceiveWithoutABufferEndsAndGoesOnLater) {
  SimFaults faults = no_faults();
  faults.buffers = 1;
  faults.buffer_bytes = 4;
  faults.incremental_buffers = false;
  open(faults);
  struct HoldingOp final : Op {
    void on_completion(Completion completion) noexcept override {
      results.push_back(completion.result);
      if (!completion.slice.empty()) slices.push_back(std::move(completion.slice));
    }
    std::vector<std::int32_t> results;
    std::vector<Slice> slices;
  } op;
  EXPECT_EQ(listener_.end->write("12345678"), 8u);
  kernel_->recv(fd_, op);
  turn();
  EXPECT_EQ(op.results.back(), -ENOBUFS);
  EXPECT_EQ(op.slices.size(), 1u);
  EXPECT_EQ(kernel_->buffers_free(), 0u);
  op.slices.clear();
  kernel_->recv(fd_, op);
  turn();
  ASSERT_EQ(op.slices.size(), 1u);
  op.slices.clear();
  kernel_->cancel(op);
  turn();
  kernel_->close_socket(fd_);
}

TEST_F(SimKernelTest, ASendThatIsCancelledTellsHowMuchWasTaken) {
  open(no_faults());
  std::string text(1u << 20, 'x');
  RecordingOp op;
  send(op, text);
  turn();
  EXPECT_TRUE(op.in_flight());
  kernel_->cancel(op);
  turn();
  ASSERT_EQ(op.results.size(), 1u);
  EXPECT_GT(op.results[0], 0);
  EXPECT_LT(op.results[0], 1 << 20);
  kernel_->close_socket(fd_);
}

TEST_F(SimKernelTest, ACancelledReceiveEndsOnceWithECanceled) {
  open(no_faults());
  RecordingOp op;
  kernel_->recv(fd_, op);
  turn();
  kernel_->cancel(op);
  kernel_->cancel(op);
  turn();
  EXPECT_EQ(op.results, std::vector<std::int32_t>{-ECANCELED});
  EXPECT_FALSE(op.more);
  kernel_->close_socket(fd_);
}

TEST_F(SimKernelTest, AResetIsToldOnceAndThenTheEnd) {
  open(no_faults());
  listener_.end->reset();
  for (const std::int32_t result : {-ECONNRESET, 0}) {
    RecordingOp op;
    kernel_->recv(fd_, op);
    turn();
    EXPECT_EQ(op.results, std::vector<std::int32_t>{result});
  }
  kernel_->close_socket(fd_);
}

using SimKernelDeathTest = SimKernelTest;

TEST_F(SimKernelDeathTest, ItsUserMayNotBreakTheContract) {
  open(no_faults());
  RecordingOp op;
  RecordingOp second;
  std::string text(1u << 20, 'x');
  kernel_->recv(fd_, op);
  EXPECT_DEATH(kernel_->close_socket(fd_), "operations.empty");  // C2
  EXPECT_DEATH(kernel_->recv(fd_, op), "");
  EXPECT_DEATH(kernel_->recv_into(fd_, std::span(text), second), "is_receive");
  EXPECT_DEATH(
      {
        send(second, text);
        RecordingOp third;
        send(third, text);
      },
      "kind");  // C1
  EXPECT_DEATH(
      {
        send(second, text);
        turn();
        text[0] = 'y';
        listener_.end->consume(1);
        turn();
      },
      "operation.sent");
  kernel_->cancel(op);
  turn();
  kernel_->close_socket(fd_);
  EXPECT_DEATH(kernel_->recv(fd_, op), "open");
  EXPECT_DEATH(kernel_->collect(clock_.now(), kNever), "nothing will ever happen");
}

}  // namespace
}  // namespace sluice
