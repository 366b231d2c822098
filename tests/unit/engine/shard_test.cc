#include "engine/shard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "engine/io/operations.h"
#include "engine/io/signal.h"
#include "engine/task/task.h"
#include "tests/unit/engine/fake_kernel.h"
#include "tests/unit/text_sink.h"

namespace sluice {
namespace {

// CreepingClock - a microsecond passes with every look at it.
class CreepingClock final : public Clock {
 public:
  Instant now() noexcept override { return now_ += 1us; }
  std::int64_t unix_ms() noexcept override { return 0; }
  void advance(Duration by) { now_ += by; }

 private:
  Instant now_ = Instant(1s);
};

// Two shards on one thread: what one does while the other sleeps, the test does in its kernel.
class ShardLoop : public ::testing::Test {
 protected:
  void make(Duration spin_max) {
    const Log log(sink_, clock_, LogLevel::kInfo, LogFormat::kText);
    const Shard::Options first{.index = 0, .spin_max = spin_max};
    const Shard::Options second{.index = 1, .spin_max = spin_max};
    ours_.emplace(first, kernel_, clock_, log);
    other_.emplace(second, other_kernel_, clock_, log);
  }
  void SetUp() override { make(0us); }

  // A letter that notes `name`, and what it finds in `then`.
  struct Note final : Letter {
    Note(
        ShardLoop& test, std::string name, std::function<void()> then = [] {})
        : Letter(&Note::come), test(&test), name(std::move(name)), then(std::move(then)) {}
    static void come(Shard& receiver, Letter& letter) {
      Note& note = static_cast<Note&>(letter);
      note.test->got_ += note.name;
      note.test->receiver_ = &receiver;
      note.then();
    }
    ShardLoop* test;
    std::string name;
    std::function<void()> then;
  };
  // Posts to our shard; true when the sender woke it.
  bool post_wakes(Shard& from, FakeKernel& kernel, Letter& letter) {
    const int before = kernel.wakes;
    from.post(*ours_, letter);
    return kernel.wakes > before;
  }
  Note letter(std::string name) { return Note(*this, std::move(name)); }
  Note stopping(std::string name) {
    return Note(*this, std::move(name), [this] { ours_->stop(); });
  }

  CreepingClock clock_;
  TextSink sink_;
  FakeKernel kernel_, other_kernel_;
  std::optional<Shard> ours_, other_;
  std::string got_;
  Shard* receiver_ = nullptr;
};

TEST_F(ShardLoop, ALetterIsReadByItsReceiver) {
  Note first = letter("1"), second = letter("2"), last = stopping("3");
  EXPECT_FALSE(post_wakes(*other_, other_kernel_, first));  // it is awake
  EXPECT_FALSE(post_wakes(*other_, other_kernel_, second));
  EXPECT_FALSE(post_wakes(*other_, other_kernel_, last));
  ours_->run();
  EXPECT_EQ(got_, "123");
  EXPECT_EQ(receiver_, &*ours_);
}

TEST_F(ShardLoop, AShardThatStopsDoesNotSleepAnyMore) {
  Note last = stopping("x");
  EXPECT_FALSE(post_wakes(*other_, other_kernel_, last));
  kernel_.on_collect = [](bool sleeps) { EXPECT_FALSE(sleeps); };
  ours_->run();
}

TEST_F(ShardLoop, WhoPostsToOneThatSleepsWakesIt) {
  Note last = stopping("x");
  bool posted = false;
  kernel_.on_collect = [&](bool sleeps) {
    if (posted) return;
    posted = true;
    EXPECT_TRUE(sleeps);
    EXPECT_TRUE(post_wakes(*other_, other_kernel_, last));
    EXPECT_EQ(other_kernel_.woken, &kernel_);
  };
  ours_->run();
  EXPECT_EQ(got_, "x");
  EXPECT_FALSE(post_wakes(*other_, other_kernel_, last));  // it has ended
}

TEST_F(ShardLoop, OneThatWasWokenIsNotWokenAgain) {
  Note last = stopping("last");
  Note first = letter("first, ");
  first.then = [&] { EXPECT_FALSE(post_wakes(*other_, other_kernel_, last)); };
  kernel_.on_collect = [&](bool sleeps) {
    if (!sleeps) return;
    EXPECT_TRUE(post_wakes(*other_, other_kernel_, first));
  };
  ours_->run();
  EXPECT_EQ(got_, "first, last");
}

TEST_F(ShardLoop, WhatComesJustBeforeTheSleepIsNotSleptOver) {
  Note late = stopping("late");
  Note first = letter("first, ");
  // Our own mailbox has been read when the other's letter runs.
  first.then = [&] { EXPECT_FALSE(post_wakes(*ours_, kernel_, late)); };
  EXPECT_FALSE(post_wakes(*other_, other_kernel_, first));
  kernel_.on_collect = [](bool sleeps) { EXPECT_FALSE(sleeps); };
  ours_->run();
  EXPECT_EQ(got_, "first, late");
}

TEST_F(ShardLoop, AMailboxHasNoLimitAndLosesNothing) {
  std::deque<Note> many;
  for (int i = 0; i < 10'000; ++i) {
    many.emplace_back(*this, ".");
    (i % 2 == 0 ? *other_ : *ours_).post(*ours_, many.back());
  }
  Note last = stopping("x");
  kernel_.on_collect = [&](bool) { other_->post(*ours_, last); };
  ours_->run();
  EXPECT_EQ(got_, std::string(10'000, '.') + "x");
}

TEST_F(ShardLoop, ALetterMayBePostedAgainByWhoReadsIt) {
  int read = 0;
  Note again(*this, "a");
  again.then = [&] {
    if (++read < 3) ours_->post(*ours_, again);
    else ours_->stop();
  };
  other_->post(*ours_, again);
  ours_->run();
  EXPECT_EQ(got_, "aaa");
}

// Waits for the signal, then posts to the other shard and stops its own: its last deed.
Task<void> post_and_stop(Shard& shard, Signal& signal, Shard& other, Letter& letter) {
  static_cast<void>(co_await signal.wait());
  shard.post(other, letter);
  shard.stop();
}

TEST_F(ShardLoop, AWakeUpOfTheLastTurnStillGoesOut) {
  Note last = stopping("x");
  bool done = false;
  kernel_.on_collect = [&](bool) {  // while ours_ sleeps, the other shard lives and ends
    if (done) return;
    done = true;
    Signal signal(*other_);
    Task<void> task = post_and_stop(*other_, signal, *ours_, last);
    signal.set();
    other_->run();
    EXPECT_TRUE(task.done());
    EXPECT_EQ(other_kernel_.wakes, 1);
    EXPECT_EQ(other_kernel_.unsubmitted, 0);
  };
  ours_->run();
  EXPECT_EQ(got_, "x");
}

Task<void> note_after(Shard& shard, Duration wait, std::string& got) {
  static_cast<void>(co_await Sleep(shard, shard.now() + wait, nullptr));
  got += "timer";
  shard.stop();
}

TEST_F(ShardLoop, ATimerEndsTheSleep) {
  kernel_.on_collect = [&](bool sleeps) {
    EXPECT_EQ(sleeps, got_.empty());
    clock_.advance(1ms);
  };
  Task<void> task = note_after(*ours_, 3ms, got_);
  ours_->run();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(got_, "timer");
}

// How a shard looks for work that may spin for 50 us, turn by turn: "." for a spin, "S" for a sleep
// in the kernel, "s" for a look into it.
class ShardSpin : public ShardLoop {
 protected:
  void SetUp() override {
    make(50us);
    kernel_.on_look = [this] {
      if (looks_++ == 0) looked_ += '.';
      return looks_ == found_at_look_;
    };
    kernel_.on_collect = [this](bool sleeps) {
      looks_most_ = std::max(looks_most_, looks_);
      looks_ = 0;
      looked_ += sleeps ? 'S' : 's';
      if (sleeps) clock_.advance(sleep_);
      if (++turns_ == 40) at_turn_40_();
      if (turns_ != 80) return;
      other_->post(*ours_, last_);
    };
  }

  Note last_ = stopping("");
  std::function<void()> at_turn_40_ = [] {};
  Duration sleep_ = 10us;   // how long each takes
  int found_at_look_ = 10;  // what is looked for in a spin; 0: never
  std::string looked_;
  int looks_ = 0;  // in this spin
  int looks_most_ = 0;
  int turns_ = 0;
};

TEST_F(ShardSpin, LongSleepsAreNotSpunFor) {
  sleep_ = 1ms;
  ours_->run();
  EXPECT_EQ(looked_, std::string(80, 'S') + "ss");
}

TEST_F(ShardSpin, ShortSleepsAreReplacedBySpinningOnceThatIsLearnt) {
  ours_->run();
  const std::size_t learnt = looked_.find('.');
  EXPECT_EQ(looked_.substr(0, learnt), std::string(6, 'S'));
  for (std::size_t at = learnt; at + 2 < looked_.size(); at += 2)
    ASSERT_EQ(looked_.substr(at, 2), ".s") << looked_;
}

// What would wake whom we wait for stands in the queue until the kernel is entered.
TEST_F(ShardSpin, WhatWasAskedForGoesOutBeforeASpin) {
  std::size_t before = 0;
  at_turn_40_ = [&] { before = looked_.size(); };
  kernel_.on_collect = [&, collect = kernel_.on_collect](bool sleeps) {
    collect(sleeps);
    if (turns_ >= 40) kernel_.unsubmitted = 1;  // each turn asks for something
  };
  ours_->run();
  EXPECT_NE(looked_.substr(0, before).find('.'), std::string::npos) << looked_;
  EXPECT_EQ(looked_.substr(before).find('.'), std::string::npos) << looked_;
}

TEST_F(ShardSpin, WhereOneComesEveryFewMicrosecondsThereIsNoSpin) {
  sleep_ = 0us;
  kernel_.completions = 8;
  kernel_.on_collect = [&, collect = kernel_.on_collect](bool sleeps) {
    collect(sleeps);
    clock_.advance(40us);  // whether it slept or found them at once
  };
  ours_->run();
  EXPECT_NE(looked_.find('.'), std::string::npos) << looked_;
  EXPECT_TRUE(looked_.ends_with(std::string(40, 'S') + "ss")) << looked_;
}

// A person's few streams go on at once.
TEST_F(ShardSpin, ManyStreamsGatherTheirEvents) {
  sleep_ = 1ms;
  kernel_.completions = 24;
  std::deque<Reactor::StreamMark> streams;
  for (int i = 0; i < 31; ++i) streams.emplace_back(*ours_);
  bool few = true;
  at_turn_40_ = [&] {
    few = kernel_.gathering;
    streams.emplace_back(*ours_);
  };
  ours_->run();
  EXPECT_FALSE(few);
  EXPECT_TRUE(kernel_.gathering);
}

// Nor do those whose events come one by one.
TEST_F(ShardSpin, EventsThatAreFarApartAreNotGathered) {
  sleep_ = 1ms;
  kernel_.completions = 24;
  std::deque<Reactor::StreamMark> streams;
  for (int i = 0; i < 100; ++i) streams.emplace_back(*ours_);
  bool close = false;
  at_turn_40_ = [&] {
    close = kernel_.gathering;
    kernel_.completions = 12;
  };
  ours_->run();
  EXPECT_TRUE(close);
  EXPECT_FALSE(kernel_.gathering);
}

TEST_F(ShardSpin, ASpinInVainIsShortAndUnlearnt) {
  at_turn_40_ = [this] {
    found_at_look_ = 0;
    sleep_ = 1ms;
  };
  ours_->run();
  EXPECT_TRUE(looked_.ends_with("SSSSSSSSSSss")) << looked_;
  EXPECT_GT(looks_most_, 100);
  EXPECT_LE(looks_most_, 50 * 16);  // the clock is read every 16 looks, and creeps
}

}  // namespace
}  // namespace sluice
