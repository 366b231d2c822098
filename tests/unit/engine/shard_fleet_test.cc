// Shards on threads of their own, with the kernel's io_uring and clock: nothing is lost, nothing
// overtakes, and who sleeps is woken.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "engine/io/operations.h"
#include "engine/io/uring_kernel.h"
#include "engine/shard.h"
#include "engine/task/scope.h"
#include "engine/task/task.h"
#include "tests/unit/text_sink.h"

namespace sluice {
namespace {

// One shard with its thread's things. Lives until its part is done, or for ten seconds: then a
// letter was lost.
struct Node {
  explicit Node(const Shard::Options& options)
      : shard(options, kernel, clock, Log(sink, clock, LogLevel::kInfo, LogFormat::kText)) {}

  static Task<void> live(Shard& shard, Node& self) {
    const Result<void> slept = co_await Sleep(shard, shard.now() + 10s, &self.done);
    EXPECT_FALSE(slept) << "shard " << shard.index() << " has waited for ten seconds";
    shard.stop();
  }
  void finish() { done.request(Error{.code = Errc::kCancelled}); }

  SystemClock clock;
  TextSink sink;
  UringKernel kernel;
  Shard shard;
  CancelSource done;
};

// The parameter is how long an idle shard spins before it sleeps.
class ShardFleet : public ::testing::TestWithParam<Duration> {
 protected:
  void make(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      nodes_.push_back(std::make_unique<Node>(Shard::Options{.index = i, .spin_max = GetParam()}));
    }
  }
  // Runs each on a thread; `begin` is called there before.
  template <class Begin>
  void run(const Begin& begin) {
    std::vector<std::thread> threads;
    for (const auto& node : nodes_) {
      threads.emplace_back([&node = *node, &begin] {
        ASSERT_EQ(node.kernel.open({}), 0);
        Scope scope(node.shard);
        scope.spawn(Node::live(node.shard, node));
        begin(scope, node);
        node.shard.run();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  std::vector<std::unique_ptr<Node>> nodes_;
};

// A ball that goes to and fro; each shard has nothing else to do.
struct Ball final : Letter {
  Ball(Node& first, Node& second, int left)
      : Letter(&Ball::hit), nodes{&first, &second}, left(left) {}
  Node* nodes[2];
  int left;
  static void hit(Shard& receiver, Letter& letter) {
    Ball& ball = static_cast<Ball&>(letter);
    Node& here = *ball.nodes[receiver.index()];
    Node& there = *ball.nodes[1 - receiver.index()];
    EXPECT_EQ(&receiver, &here.shard);
    if (--ball.left <= 1) here.finish();
    if (ball.left == 0) return;
    receiver.post(there.shard, ball);
  }
};

TEST_P(ShardFleet, ASleepingShardIsWoken) {
  make(2);
  Ball ball(*nodes_[0], *nodes_[1], 2000);
  // Posted by the first to itself: every ring must be open before somebody is woken.
  std::atomic<int> open{0};
  run([&](Scope&, Node& node) {
    open.fetch_add(1);
    while (open.load() < 2) std::this_thread::yield();
    if (node.shard.index() == 0) node.shard.post(node.shard, ball);
  });
  EXPECT_EQ(ball.left, 0);
}

constexpr int kShards = 3;
constexpr int kLetters = 3000;  // from each to each

// What one shard has got of another, in the order of its coming.
struct Inbox {
  Node* node = nullptr;
  int next[kShards] = {};
  int total = 0;
};
struct Numbered final : Letter {
  Numbered(Inbox& to, std::uint32_t from, int number)
      : Letter(&Numbered::open), to(&to), from(from), number(number) {}
  Inbox* to;
  std::uint32_t from;
  int number;
  static void open(Shard& receiver, Letter& letter) {
    const std::unique_ptr<Numbered> numbered(static_cast<Numbered*>(&letter));
    Inbox& inbox = *numbered->to;
    ASSERT_EQ(&receiver, &inbox.node->shard);
    EXPECT_EQ(inbox.next[numbered->from]++, numbered->number);
    ++inbox.total;
  }
};

// Sends everything to everybody; ends when its own has come.
Task<void> correspond(Shard& shard, Inbox* inboxes) {
  for (int number = 0; number < kLetters; ++number) {
    for (int to = 0; to < kShards; ++to) {
      shard.post(inboxes[to].node->shard, *new Numbered(inboxes[to], shard.index(), number));
    }
    if (number % 100 == 0) static_cast<void>(co_await Sleep(shard, shard.now() + 1ms, nullptr));
  }
  while (inboxes[shard.index()].total < kShards * kLetters)
    static_cast<void>(co_await Sleep(shard, shard.now() + 1ms, nullptr));
  inboxes[shard.index()].node->finish();
}

TEST_P(ShardFleet, NothingIsLostAndNothingOvertakes) {
  make(kShards);
  Inbox inboxes[kShards];
  for (int i = 0; i < kShards; ++i) inboxes[i].node = nodes_[static_cast<std::size_t>(i)].get();
  std::atomic<int> open{0};
  run([&](Scope& scope, Node& node) {
    open.fetch_add(1);
    while (open.load() < kShards) std::this_thread::yield();
    scope.spawn(correspond(node.shard, inboxes));
  });
  for (const Inbox& inbox : inboxes) EXPECT_EQ(inbox.total, kShards * kLetters);
}

INSTANTIATE_TEST_SUITE_P(Spins, ShardFleet, ::testing::Values(0us, 50us), [](const auto& info) {
  return std::string(info.param == 0us ? "sleeping" : "spinning");
});

}  // namespace
}  // namespace sluice
