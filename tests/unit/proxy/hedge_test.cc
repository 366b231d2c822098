#include "engine/proxy/hedge.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/proxy/try_account.h"
#include "store/journal/journal_writer.h"
#include "store/journal/segment_reader.h"
#include "tests/unit/proxy/upstream_fixture.h"

namespace sluice {
namespace {

constexpr std::string_view kPost =
    "POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nContent-Length: 13\r\n\r\n";
constexpr std::string_view kBody = R"({"model":"m"})";
constexpr std::string_view kOne = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none";
constexpr std::string_view kTwo = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo";
constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

// A request to team-a, which may be sent to team-b as well when team-a is slow. The test is both
// providers: provider_ is team-a's.
class Hedge : public UpstreamTest {
 protected:
  void TearDown() override {
    if (second_ >= 0) close(second_);
    UpstreamTest::TearDown();
  }
  Task<TryResult> begin_try(std::uint32_t percent = 100, std::string_view body = kBody) {
    directory_->routing.strategy = Strategy::kOrdered;
    directory_->routing.hedge = {.after = 500ms, .percent = percent};
    add_upstream("team-a");
    add_upstream("team-b");
    begin(kPost);
    worker_->journal = journal_;
    set_body(body);
    ProbeFault fault;
    exchange_->json =
        worker_->prober.probe(exchange_->body, exchange_->arena, exchange_->probe, fault);
    EXPECT_TRUE(exchange_->json);
    exchange_->api = ApiKind::kChat;
    worker_->hedges.request(shard_->now(), directory_->routing.hedge.budget());
    ladder_.emplace(*directory_, worker_->balancer, "m");
    choice_ = ladder_->next(shard_->now());
    return try_and_relay(*shard_, *exchange_, *ladder_, choice_, held_);
  }
  // team-a has got the request and says nothing.
  void first_is_slow() {
    accept_one();
    EXPECT_TRUE(provider_gets(kBody).starts_with("POST "));
    pass(499ms);
    shard_->turn(shard_->now());
    EXPECT_EQ(exchange_->report.attempts, 1u);
    pass(2ms);
    shard_->turn(shard_->now());
  }
  // team-b has got it, too.
  void second_is_asked() {
    const int first = std::exchange(provider_, -1);
    accept_one();
    EXPECT_TRUE(provider_gets(kBody).starts_with("POST "));
    second_ = std::exchange(provider_, first);
  }
  void second_sends(std::string_view text) {
    ASSERT_EQ(send(second_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // team-a has got this body, of a size that takes many turns.
  void first_gets_all(std::size_t bytes) {
    std::string got(1 << 20, '\0');
    std::size_t sum = 0;
    turn_until([&] {
      ssize_t count = 0;
      while ((count = recv(provider_, got.data(), got.size(), MSG_DONTWAIT)) > 0)
        sum += static_cast<std::size_t>(count);
      return sum > bytes;
    });
  }
  // The gateway has closed its connection.
  void expect_closed(int fd) {
    turn_until([fd] {
      char byte;
      return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
    });
  }
  AccountState& state(std::size_t index) { return *directory_->accounts[index]->state; }
  // Both requests count, and nobody is at work any more (R1).
  void expect_settled(std::uint32_t spent_second = 1) {
    EXPECT_EQ(state(0).available(shard_->now()), 39u);
    EXPECT_EQ(state(1).available(shard_->now()), 40u - spent_second);
    EXPECT_EQ(state(0).in_flight() + state(1).in_flight(), 0u);
  }
  std::string body_got() {
    const std::string text = client_got();
    return text.substr(text.find("\r\n\r\n") + 4);
  }

  std::optional<Ladder> ladder_;
  Choice choice_;
  HeldAnswer held_;
  int second_ = -1;
  JournalWriter* journal_ = nullptr;
};

TEST_F(Hedge, TheSecondAccountAnswersFirstAndTheFirstIsCalledOff) {
  Task<TryResult> trying = begin_try();
  first_is_slow();
  second_is_asked();
  second_sends(kTwo);
  finish(trying);
  EXPECT_EQ(trying.take().kind, TryResult::Kind::kAnswered);
  const std::string got = client_got();
  EXPECT_TRUE(got.ends_with("\r\n\r\ntwo")) << got;
  EXPECT_NE(got.find("x-sluice-account: team-b\r\n"), std::string::npos) << got;
  EXPECT_NE(got.find("x-sluice-attempts: 2\r\n"), std::string::npos) << got;
  EXPECT_TRUE(exchange_->report.hedged);
  EXPECT_EQ(exchange_->report.hedge_winner, HedgeWinner::kSecond);
  EXPECT_EQ(exchange_->report.account, "team-b");
  EXPECT_EQ(worker_->metrics.hedges, 1u);
  expect_closed(provider_);
  expect_settled();
  EXPECT_EQ(sink_.text, "");  // R4: team-a has not failed
}

TEST_F(Hedge, TheFirstAccountMayStillWin) {
  Task<TryResult> trying = begin_try();
  first_is_slow();
  second_is_asked();
  provider_sends(kOne);
  finish(trying);
  EXPECT_EQ(body_got(), "one");
  EXPECT_EQ(exchange_->report.hedge_winner, HedgeWinner::kFirst);
  EXPECT_EQ(exchange_->report.account, "team-a");
  expect_closed(second_);
  expect_settled();
}

TEST_F(Hedge, OfTwoAnswersAtOnceTheFirstAccountsCounts) {
  Task<TryResult> trying = begin_try();
  first_is_slow();
  second_is_asked();
  second_sends(kTwo);
  provider_sends(kOne);
  finish(trying);
  EXPECT_EQ(body_got(), "one");
  expect_closed(second_);
  expect_settled();
}

TEST_F(Hedge, AnAnswerInTimeIsAlone) {
  Task<TryResult> trying = begin_try();
  accept_one();
  static_cast<void>(provider_gets(kBody));
  pass(499ms);
  provider_sends(kOne);
  finish(trying);
  EXPECT_EQ(body_got(), "one");
  EXPECT_FALSE(exchange_->report.hedged);
  EXPECT_EQ(exchange_->report.hedge_winner, HedgeWinner::kNone);
  expect_settled(0);
}

TEST_F(Hedge, TheBudgetKeepsAnOutageFromGrowing) {
  Task<TryResult> trying = begin_try(50);  // of one request: half a hedge
  first_is_slow();
  EXPECT_EQ(exchange_->report.attempts, 1u);
  EXPECT_EQ(state(1).available(shard_->now()), 40u);  // the permit came back
  provider_sends(kOne);
  finish(trying);
  EXPECT_EQ(body_got(), "one");
  EXPECT_EQ(worker_->metrics.hedges, 0u);
  expect_settled(0);
}

TEST_F(Hedge, WhenOneFailsTheOtherGoesOn) {
  Task<TryResult> trying = begin_try();
  first_is_slow();
  second_is_asked();
  provider_sends("HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n");
  turn_until([this] { return sink_.text.contains("status=500"); });
  EXPECT_EQ(client_got(), "");
  second_sends(kTwo);
  finish(trying);
  EXPECT_EQ(body_got(), "two");
  EXPECT_EQ(exchange_->report.hedge_winner, HedgeWinner::kSecond);
  EXPECT_EQ(exchange_->report.error, "");
  expect_settled();
}

TEST_F(Hedge, WhenBothFailTheNextAccountMayTry) {
  Task<TryResult> trying = begin_try();
  first_is_slow();
  second_is_asked();
  provider_sends("HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n");
  second_sends("HTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n");
  finish(trying);
  const TryResult result = trying.take();
  EXPECT_EQ(result.kind, TryResult::Kind::kNext);
  EXPECT_TRUE(result.failed);
  EXPECT_NE(held_.head, nullptr);
  EXPECT_TRUE(exchange_->report.hedged);
  EXPECT_EQ(exchange_->report.hedge_winner, HedgeWinner::kNone);
  EXPECT_EQ(client_got(), "");
  expect_settled();
}

TEST_F(Hedge, AFailureThatMustNotBeRepeatedEndsItWhenTheOtherFailsToo) {
  Task<TryResult> trying = begin_try();
  first_is_slow();
  second_is_asked();
  hang_up();
  turn_until([this] { return sink_.text.contains("attempt failed"); });
  second_sends("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n");
  finish(trying);
  const TryResult result = trying.take();
  EXPECT_EQ(result.kind, TryResult::Kind::kRefused);
  EXPECT_EQ(result.answer->code, "upstream_unreachable");
  expect_settled();
}

TEST_F(Hedge, AClientThatLeavesCallsBothOff) {
  Task<TryResult> trying = begin_try();
  first_is_slow();
  second_is_asked();
  exchange_->cancel.request(Error{.code = Errc::kEndOfStream, .side = Side::kDownstream});
  finish(trying);
  EXPECT_EQ(trying.take().kind, TryResult::Kind::kAnswered);
  EXPECT_TRUE(exchange_->report.client_gone);
  EXPECT_EQ(exchange_->report.hedge_winner, HedgeWinner::kNone);
  expect_closed(provider_);
  expect_closed(second_);
  expect_settled();
  EXPECT_EQ(sink_.text, "");
}

TEST_F(Hedge, AClientThatLeavesBeforeIsNobodyToHedgeFor) {
  Task<TryResult> trying = begin_try();
  accept_one();
  static_cast<void>(provider_gets(kBody));
  exchange_->cancel.request(Error{.code = Errc::kEndOfStream, .side = Side::kDownstream});
  clock_.advance(1s);
  finish(trying);
  EXPECT_EQ(exchange_->report.attempts, 1u);
  expect_settled(0);
}

// What a provider says while it is still being sent the request uses the attempt's switch, too.
TEST_F(Hedge, WhoLosesWhileItSpeaksTooEarlyIsCalledOffAllTheSame) {
  const std::string body =
      R"({"model":"m","messages":")" + std::string(32 * 1024 * 1024, 'x') + "\"}";
  Task<TryResult> trying = begin_try(100, body);
  accept_one();
  first_gets_all(body.size());
  pass(501ms);
  shard_->turn(shard_->now());
  const int first = std::exchange(provider_, -1);
  accept_one();
  second_ = std::exchange(provider_, first);
  for (int i = 0; i < 50; ++i) shard_->turn(shard_->now() + 1ms);  // takes what the kernel takes
  second_sends("HTTP/1.1 1");                                      // no answer yet
  provider_sends(kOne);
  finish(trying);
  EXPECT_EQ(body_got(), "one");
  EXPECT_EQ(exchange_->report.hedge_winner, HedgeWinner::kFirst);
  expect_settled();
}

TEST_F(Hedge, OfAStreamTheFirstByteCountsAndNotTheHead) {
  Task<TryResult> trying = begin_try();
  accept_one();
  static_cast<void>(provider_gets(kBody));
  provider_sends(kStreamHead);
  pass(501ms);
  shard_->turn(shard_->now());
  EXPECT_EQ(client_got(), "");
  second_is_asked();
  second_sends(std::string(kStreamHead) + "9\r\ndata: 2\n\n\r\n0\r\n\r\n");
  finish(trying);
  EXPECT_EQ(body_got(), "9\r\ndata: 2\n\n\r\n0\r\n\r\n");
  EXPECT_EQ(exchange_->report.hedge_winner, HedgeWinner::kSecond);
  expect_closed(provider_);
  expect_settled();
}

TEST_F(Hedge, InterimAnswersArePassedOnByNobodyWhoMayLose) {
  Task<TryResult> trying = begin_try();
  accept_one();
  static_cast<void>(provider_gets(kBody));
  provider_sends("HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n");
  provider_sends(kOne);
  finish(trying);
  EXPECT_TRUE(client_got().starts_with("HTTP/1.1 200 OK\r\n"));
}

// What a process that dies in the middle has written.
TEST_F(Hedge, TheSecondsStartSaysInTheJournalThatItHedgesTheFirst) {
  constexpr std::uint32_t kSlots = 256;
  std::vector<std::byte> memory(kSlots * kSlotBytes);
  Segment segment;
  segment.bytes = memory.data();
  segment.slots = kSlots;
  segment.number = 1;
  JournalWriter journal(0, segment, 1);
  journal_ = &journal;
  Task<TryResult> trying = begin_try();
  first_is_slow();
  second_is_asked();
  second_sends(kTwo);
  finish(trying);
  SegmentReader reader;
  reader.begin(memory, 1, 1, true);
  std::vector<UsageEvent> events;
  while (reader.next(segment.published.load()) == SegmentReader::Step::kRecord)
    events.push_back(reader.event());
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].kind, UsageKind::kStart);
  EXPECT_EQ(events[0].flags & kUsageHedged, 0);
  EXPECT_EQ(events[1].kind, UsageKind::kStart);
  EXPECT_EQ(events[1].flags & kUsageHedged, kUsageHedged);
  EXPECT_EQ(events[1].attempt, 2);
  // The loser was called off: what it had reserved counts. The winner answered.
  for (const UsageEvent& end : {events[2], events[3]}) {
    EXPECT_EQ(end.flags & kUsageHedged, kUsageHedged);
    EXPECT_EQ((end.flags & kUsageReserved) != 0, end.started_by == 1);
    EXPECT_EQ(end.flags & kUsageUnsent, 0);
  }
}

struct EligibleRow {
  const char* what;
  std::string_view head;
  ApiKind api;
  bool json;
  Duration after;
  bool may;
};
constexpr EligibleRow kEligibleRows[] = {
    {"a chat", "POST / HTTP/1.1\r\nHost: g\r\n\r\n", ApiKind::kChat, true, 1s, true},
    {"embeddings", "POST / HTTP/1.0\r\nHost: g\r\n\r\n", ApiKind::kEmbeddings, true, 1s, true},
    {"it is off", "POST / HTTP/1.1\r\nHost: g\r\n\r\n", ApiKind::kChat, true, 0s, false},
    {"stored", "POST / HTTP/1.1\r\nHost: g\r\n\r\n", ApiKind::kResponses, true, 1s, false},
    {"anything", "POST / HTTP/1.1\r\nHost: g\r\n\r\n", ApiKind::kOther, true, 1s, false},
    {"no JSON", "POST / HTTP/1.1\r\nHost: g\r\n\r\n", ApiKind::kChat, false, 1s, false},
    {"GET", "GET / HTTP/1.1\r\nHost: g\r\n\r\n", ApiKind::kChat, true, 1s, false},
};

TEST_F(Hedge, IsForRequestsOfWhichTheProviderKeepsNothing) {
  for (const EligibleRow& row : kEligibleRows) {
    SCOPED_TRACE(row.what);
    directory_ = std::make_shared<Directory>();
    directory_->routing.hedge.after = row.after;
    exchange_.reset();
    worker_.reset();
    begin(row.head);
    exchange_->api = row.api;
    exchange_->json = row.json;
    EXPECT_EQ(may_hedge(*exchange_), row.may);
  }
}

}  // namespace
}  // namespace sluice
