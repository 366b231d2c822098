#include "engine/proxy/try_account.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/proxy/upstream_fixture.h"

namespace sluice {
namespace {

using Kind = TryResult::Kind;

class TryAccount : public UpstreamTest {
 protected:
  static constexpr std::string_view kPost = "POST /v1/x HTTP/1.1\r\nHost: g\r\n";

  // Begins to try the first account with a request that has these fields.
  Task<TryResult> begin_try(std::string_view fields, std::string_view line = kPost) {
    if (directory_->accounts.empty()) add_upstream("team-a");
    begin(std::string(line) + std::string(fields) + "\r\n");
    held_ = HeldAnswer{};
    ladder_.emplace(*directory_, worker_->balancer, "");
    choice_ = ladder_->next(shard_->now());
    EXPECT_EQ(choice_.kind, Choice::Kind::kTry);
    return try_and_relay(*shard_, *exchange_, *ladder_, choice_, held_);
  }
  // A whole try, in which the provider says this.
  TryResult try_with(std::string_view fields, std::string_view answer, bool closes) {
    Task<TryResult> trying = begin_try(fields);
    accept_one();
    static_cast<void>(provider_gets("\r\n\r\n"));
    provider_sends(answer);
    if (closes) hang_up();
    finish(trying);
    hang_up();
    turn_until([this] { return endpoint().idle_count() == 0; });  // each try has its connection
    return trying.take();
  }
  void forget_accounts() {
    exchange_.reset();
    worker_.reset();
    directory_ = std::make_shared<Directory>();
  }
  AccountState& state() { return *directory_->accounts.front()->state; }
  bool is_ready() { return !state().cooldown().running(shard_->now()); }

  std::optional<Ladder> ladder_;
  Choice choice_;
  HeldAnswer held_;
};

struct AnswerRow {
  int status;
  Kind kind;
  bool cools;     // the account, so that it is not asked again for a while
  bool rejected;  // its key
};
constexpr AnswerRow kAnswerRows[] = {
    {200, Kind::kAnswered, false, false}, {302, Kind::kAnswered, false, false},
    {400, Kind::kAnswered, false, false}, {404, Kind::kAnswered, false, false},
    {409, Kind::kAnswered, false, false}, {422, Kind::kAnswered, false, false},
    {408, Kind::kNext, false, false},     {429, Kind::kNext, true, false},
    {500, Kind::kNext, false, false},     {503, Kind::kNext, false, false},
    {599, Kind::kNext, false, false},     {401, Kind::kNext, false, true},
    {403, Kind::kNext, false, false},
};

TEST_F(TryAccount, TheStatusDecidesWhetherAnotherAccountTries) {
  for (const AnswerRow& row : kAnswerRows) {
    SCOPED_TRACE(row.status);
    forget_accounts();
    const std::string status = std::to_string(row.status);
    const TryResult result =
        try_with("", "HTTP/1.1 " + status + " X\r\nContent-Length: 4\r\n\r\nbody", false);
    EXPECT_EQ(result.kind, row.kind);
    EXPECT_EQ(result.answer, nullptr);
    EXPECT_EQ(is_ready(), !row.cools);
    EXPECT_EQ(state().rejected(1), row.rejected);
    const std::string client = client_got();
    EXPECT_EQ(client.starts_with("HTTP/1.1 " + status + " X\r\n"), row.kind == Kind::kAnswered);
    EXPECT_EQ(exchange_->answered, row.kind == Kind::kAnswered);
    EXPECT_EQ(held_.head != nullptr, row.kind == Kind::kNext);
    if (row.kind == Kind::kNext) {
      EXPECT_EQ(client, "");
      EXPECT_EQ(held_.head->status, row.status);
      EXPECT_EQ(held_.body, "body");
    }
    EXPECT_EQ(state().available(shard_->now()), 39u);  // R1: the permit is spent
    EXPECT_EQ(exchange_->report.attempts, 1u);
    EXPECT_EQ(exchange_->report.account, "team-a");
  }
}

struct FailureRow {
  const char* rule;
  std::string_view fields;
  std::string_view answer;
  Kind kind;
  std::string_view code;
  std::string_view message;  // how it ends
};
constexpr FailureRow kFailureRows[] = {
    {"closed without an answer: it may have been billed", "", "", Kind::kRefused,
     "upstream_unreachable", "did not answer: "},
    {"an Idempotency-Key makes it safe", "Idempotency-Key: k\r\n", "", Kind::kNext,
     "upstream_unreachable", "did not answer: "},
    {"garbage", "", "SSH-2.0-x\r\n", Kind::kRefused, "upstream_invalid_response",
     "sent an answer that is no valid HTTP: the status line does not begin with HTTP/1.1 or "
     "HTTP/1.0 (rule P3)"},
    {"is not repeated for any key", "Idempotency-Key: k\r\n", "SSH-2.0-x\r\n", Kind::kRefused,
     "upstream_invalid_response", "sent an answer that is no valid HTTP: "},
};

TEST_F(TryAccount, WithoutAnAnswerSafetyDecides) {
  for (const FailureRow& row : kFailureRows) {
    SCOPED_TRACE(row.rule);
    const TryResult result = try_with(row.fields, row.answer, true);
    EXPECT_EQ(result.kind, row.kind);
    EXPECT_EQ(result.answer->status, 502);
    EXPECT_EQ(result.answer->type, "server_error");
    EXPECT_EQ(result.answer->code, row.code);
    const std::string message = "the provider of account 'team-a' " + std::string(row.message);
    EXPECT_TRUE(result.answer->message.starts_with(message)) << result.answer->message;
    EXPECT_TRUE(result.answer->never_retry);
    EXPECT_EQ(client_got(), "");
    EXPECT_EQ(held_.head, nullptr);
  }
}

TEST_F(TryAccount, AProviderThatCannotBeReachedCostsNothing) {
  add_upstream("team-a");
  close(listener_);
  listener_ = -1;
  Task<TryResult> trying = begin_try("");
  finish(trying);
  const TryResult result = trying.take();
  EXPECT_EQ(result.kind, Kind::kNext);
  EXPECT_EQ(result.answer->status, 502);
  EXPECT_EQ(result.answer->code, "upstream_unreachable");
  EXPECT_FALSE(result.answer->never_retry);
  EXPECT_NE(result.answer->message.find("could not be reached"), std::string_view::npos);
  EXPECT_EQ(state().available(shard_->now()), 40u);  // R1: the permit came back
}

TEST_F(TryAccount, AProviderThatIsTooSlowIsLeftOnlyIfConfigurationSaysSo) {
  for (const bool retry_on_timeout : {false, true}) {
    forget_accounts();
    directory_->routing.retry_on_timeout = retry_on_timeout;
    add_upstream("team-a").timeouts.first_byte = 10s;
    Task<TryResult> trying = begin_try("");
    accept_one();
    static_cast<void>(provider_gets("\r\n\r\n"));
    pass(11s);
    shard_->turn(shard_->now());
    finish(trying);
    hang_up();
    const TryResult result = trying.take();
    EXPECT_EQ(result.kind, retry_on_timeout ? Kind::kNext : Kind::kRefused);
    EXPECT_EQ(result.answer->status, 504);
    EXPECT_EQ(result.answer->code, "upstream_timeout");
    EXPECT_TRUE(result.answer->never_retry);
  }
}

TEST_F(TryAccount, AStreamOfWhichOnlyTheHeadComesIsTooSlowAtTheFirstToken) {
  for (const bool limited : {false, true}) {
    forget_accounts();
    static_cast<void>(client_got());  // of the one before
    if (limited) add_upstream("team-a").timeouts.first_token = 10s;
    Task<TryResult> trying = begin_try("");
    accept_one();
    static_cast<void>(provider_gets("\r\n\r\n"));
    provider_sends(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 50; ++i) shard_->turn(shard_->now());
    EXPECT_EQ(client_got().empty(), limited) << "the head says yes to a stream that may not come";
    pass(11s);
    shard_->turn(shard_->now());
    if (!limited) {
      EXPECT_FALSE(trying.done());
      hang_up();
    }
    finish(trying);
    hang_up();
    const TryResult result = trying.take();
    EXPECT_EQ(result.kind, limited ? Kind::kRefused : Kind::kAnswered);
    EXPECT_EQ(result.answer == nullptr ? 0 : result.answer->status, limited ? 504 : 0);
  }
}

TEST_F(TryAccount, AnAnswerThatBreaksBeforeItsFirstByteWasSentIsOurs) {
  const TryResult result =
      try_with("", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", false);
  EXPECT_EQ(result.kind, Kind::kRefused);
  EXPECT_EQ(result.answer->status, 502);
  EXPECT_EQ(result.answer->code, "upstream_invalid_response");
  EXPECT_EQ(client_got(), "");
}

TEST_F(TryAccount, AClientThatLeavesIsNoMarkAgainstTheAccount) {  // R4
  Task<TryResult> trying = begin_try("");
  accept_one();
  static_cast<void>(provider_gets("\r\n\r\n"));
  exchange_->cancel.request(Error{.code = Errc::kEndOfStream, .side = Side::kDownstream});
  finish(trying);
  EXPECT_EQ(trying.take().kind, Kind::kAnswered);
  EXPECT_TRUE(exchange_->report.client_gone);
  EXPECT_TRUE(is_ready());
  EXPECT_EQ(sink_.text, "");  // nothing failed
}

TEST_F(TryAccount, TheCooldownIsAtLeastRetryAfter) {
  const TryResult result =
      try_with("", "HTTP/1.1 429 X\r\nRetry-After: 200\r\nContent-Length: 0\r\n\r\n", false);
  EXPECT_EQ(result.kind, Kind::kNext);
  pass(199s);
  EXPECT_FALSE(is_ready());
  pass(2s);
  EXPECT_TRUE(is_ready());
}

TEST_F(TryAccount, AHeldAnswerComesWithTheTrueRetryAfterAndItsLength) {
  static_cast<void>(try_with("",
                             "HTTP/1.1 429 X\r\nRetry-After: 7\r\nTransfer-Encoding: "
                             "chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
                             false));
  ASSERT_NE(held_.head, nullptr);
  Task<void> sending = relay_held(*shard_, *exchange_, held_, 90s);
  finish(sending);
  const std::string got = client_got();
  EXPECT_TRUE(got.starts_with("HTTP/1.1 429 X\r\n")) << got;
  EXPECT_NE(got.find("retry-after: 90\r\n"), std::string::npos) << got;
  EXPECT_EQ(got.find("Retry-After: 7"), std::string::npos) << got;
  EXPECT_NE(got.find("content-length: 4\r\n"), std::string::npos) << got;
  EXPECT_TRUE(got.ends_with("\r\n\r\nbody")) << got;
  EXPECT_EQ(exchange_->report.status, 429);
  EXPECT_EQ(exchange_->report.body_bytes_out, 4u);
  EXPECT_EQ(exchange_->ending, Ending::kKeepAlive);
}

}  // namespace
}  // namespace sluice
