#include "engine/proxy/early_stream.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/proxy/upstream_fixture.h"

namespace sluice {
namespace {

constexpr std::string_view kChat = "POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\n\r\n";

class EarlyStream : public UpstreamTest {
 protected:
  // A request for a stream whose head has been sent while it waited.
  void begin_stream(std::string_view request = kChat, ApiKind api = ApiKind::kChat) {
    directory_->routing.queue.comments = 10s;
    if (directory_->accounts.empty()) add_upstream("team-a");
    begin(request);
    make_stream(api);
    QueueComments comments(*exchange_, shard_->now());
    Task<void> saying = say_queued(*shard_, *exchange_, comments);
    finish(saying);
    static_cast<void>(client_got());
  }
  void make_stream(ApiKind api) {
    exchange_->json = true;
    exchange_->probe.stream = true;
    exchange_->api = api;
  }
};

struct DueRow {
  const char* what;
  std::string_view line;
  bool json;
  bool stream;
  ApiKind api;
  bool due;
};
constexpr DueRow kDueRows[] = {
    {"a stream", "POST / HTTP/1.1\r\nHost: g\r\n\r\n", true, true, ApiKind::kChat, true},
    {"Anthropic's", "POST / HTTP/1.1\r\nHost: g\r\n\r\n", true, true, ApiKind::kMessages, true},
    {"no stream", "POST / HTTP/1.1\r\nHost: g\r\n\r\n", true, false, ApiKind::kChat, false},
    {"no JSON", "POST / HTTP/1.1\r\nHost: g\r\n\r\n", false, true, ApiKind::kChat, false},
    {"no chunks", "POST / HTTP/1.0\r\nHost: g\r\n\r\n", true, true, ApiKind::kChat, false},
    {"HEAD", "HEAD / HTTP/1.1\r\nHost: g\r\n\r\n", true, true, ApiKind::kChat, false},
    {"another path", "POST / HTTP/1.1\r\nHost: g\r\n\r\n", true, true, ApiKind::kOther, false},
};

TEST_F(EarlyStream, CommentsAreForStreamsOfHttp11WhereTheyAreConfigured) {
  directory_->routing.queue.comments = 10s;
  for (const DueRow& row : kDueRows) {
    SCOPED_TRACE(row.what);
    begin(row.line);
    exchange_->json = row.json;
    exchange_->probe.stream = row.stream;
    exchange_->api = row.api;
    const Instant began = shard_->now();
    EXPECT_EQ(QueueComments(*exchange_, began).due(), row.due ? began + 10s : kNever);
  }
}

TEST_F(EarlyStream, NoCommentsUnlessConfigured) {
  begin(kChat);
  make_stream(ApiKind::kChat);
  EXPECT_EQ(QueueComments(*exchange_, shard_->now()).due(), kNever);
}

TEST_F(EarlyStream, TheHeadGoesOnceAndTheWaitIsTold) {
  directory_->routing.queue.comments = 10s;
  begin(kChat);
  make_stream(ApiKind::kChat);
  exchange_->report.queue_time = 3s;  // of an earlier wait
  QueueComments comments(*exchange_, shard_->now());
  pass(10s);
  Task<void> first = say_queued(*shard_, *exchange_, comments);
  finish(first);
  const std::string head = client_got();
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\ndate: ")) << head;
  EXPECT_TRUE(
      head.ends_with("x-request-id: req-1\r\ntransfer-encoding: chunked\r\n\r\n"
                     "18\r\n: queued wait_ms=13000\n\n\r\n"))
      << head;
  EXPECT_TRUE(exchange_->stream_begun);
  EXPECT_FALSE(exchange_->answered);  // R3: any account may still try
  EXPECT_EQ(comments.due(), shard_->now() + 10s);
  pass(10s);
  Task<void> second = say_queued(*shard_, *exchange_, comments);
  finish(second);
  EXPECT_EQ(client_got(), "18\r\n: queued wait_ms=23000\n\n\r\n");
}

TEST_F(EarlyStream, AClientThatTakesNoCommentHasLeft) {
  directory_->routing.queue.comments = 10s;
  begin(kChat);
  make_stream(ApiKind::kChat);
  shutdown(peer_, SHUT_RDWR);
  QueueComments comments(*exchange_, shard_->now());
  Task<void> saying = say_queued(*shard_, *exchange_, comments);
  finish(saying);
  EXPECT_TRUE(exchange_->cancel.requested());
  EXPECT_EQ(exchange_->cancel.cause().side, Side::kDownstream);
  EXPECT_TRUE(exchange_->answered);  // nothing may follow half a comment
  const Answer answer = overloaded("never seen");
  Task<void> sending = send_answer(*shard_, *exchange_, answer);
  finish(sending);
  EXPECT_EQ(exchange_->ending, Ending::kClose);
}

TEST_F(EarlyStream, AnAnswerOfOursIsAnEventWithWhatTheHeadWouldHaveTold) {
  begin_stream();
  const Answer answer = overloaded("too \"much\"");
  Task<void> sending = send_answer(*shard_, *exchange_, answer);
  finish(sending);
  EXPECT_EQ(client_got(),
            "8e\r\ndata: {\"error\":{\"message\":\"too \\\"much\\\"\",\"type\":\"server_error\","
            "\"param\":null,\"code\":\"gateway_overloaded\",\"status\":503,"
            "\"retry_after_ms\":1000}}\n\n\r\n0\r\n\r\n");
  EXPECT_EQ(exchange_->report.status, 200);
  EXPECT_EQ(exchange_->report.late_status, 503);
  EXPECT_EQ(exchange_->ending, Ending::kKeepAlive);
}

TEST_F(EarlyStream, AnthropicsClientsKnowAnErrorByTheNameOfItsEvent) {
  begin_stream(kChat, ApiKind::kMessages);
  const std::string_view event = error_event(*exchange_, {.type = "requests", .message = "m"});
  EXPECT_EQ(event,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"m\",\"type\":"
            "\"requests\",\"param\":null,\"code\":null}}\n\n");
}

struct RefusalRow {
  const char* what;
  std::string_view type;
  std::string_view body;
  std::string_view event;
};
constexpr RefusalRow kRefusalRows[] = {
    {"its own words, in one line", "application/json", "{\"error\":\r\n {\"code\":1}}\n",
     "data: {\"error\":   {\"code\":1}}\n\n"},
    {"a text", "text/html", "<p>\"error\"</p>",
     "data: {\"error\":{\"message\":\"the provider answered "
     "418\",\"type\":\"invalid_request_error\","
     "\"param\":null,\"code\":\"upstream_error\",\"status\":418,\"retry_after_ms\":7000}}\n\n"},
    {"no error object", "application/json", "{\"detail\":1}",
     "data: {\"error\":{\"message\":\"the provider answered "
     "418\",\"type\":\"invalid_request_error\","
     "\"param\":null,\"code\":\"upstream_error\",\"status\":418,\"retry_after_ms\":7000}}\n\n"},
};

TEST_F(EarlyStream, AProvidersRefusalIsAnEvent) {
  for (const RefusalRow& row : kRefusalRows) {
    SCOPED_TRACE(row.what);
    begin_stream();
    const ResponseHead& head =
        provider_head("HTTP/1.1 418 X\r\nContent-Type: " + std::string(row.type) + "\r\n\r\n");
    Task<void> sending = send_provider_error(*shard_, *exchange_, head, row.body, 7s);
    finish(sending);
    const std::string got = client_got();
    const std::size_t begin = got.find("\r\n") + 2;
    EXPECT_EQ(got.substr(begin), std::string(row.event) + "\r\n0\r\n\r\n");
    EXPECT_EQ(exchange_->report.late_status, 418);
  }
}

TEST_F(EarlyStream, AnAnswerThatIsNoStreamIsOneEventAndCountsItsTokens) {
  ask(kChat);
  make_stream(ApiKind::kChat);
  exchange_->stream_begun = true;
  attempt_.head = const_cast<ResponseHead*>(&provider_head(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n"));
  Task<RelayEnd> relaying = relay_response(*shard_, *exchange_, attempt_);
  provider_sends("{\"usage\":{\n\"prompt_tokens\":3},\"x\":1}\n");
  finish(relaying);
  EXPECT_EQ(relaying.take(), RelayEnd::kComplete);
  EXPECT_EQ(client_got(),
            "3a\r\ndata: {\"usage\":{ \"prompt_tokens\":3},\"x\":1}\n\ndata: [DONE]\n\n\r\n"
            "0\r\n\r\n");
  EXPECT_EQ(exchange_->report.usage.prompt, 3);
  EXPECT_EQ(endpoint().idle_count(), 1u);
}

TEST_F(EarlyStream, AnAnswerThatBreaksBeforeItIsAnEventIsRefused) {
  ask(kChat);
  make_stream(ApiKind::kChat);
  exchange_->stream_begun = true;
  attempt_.head = const_cast<ResponseHead*>(&provider_head(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n"));
  Task<RelayEnd> relaying = relay_response(*shard_, *exchange_, attempt_);
  provider_sends("{\"usage\"");
  hang_up();
  finish(relaying);
  EXPECT_EQ(relaying.take(), RelayEnd::kUpstreamBroke);
  EXPECT_NE(attempt_.broke.code, Errc::kOk);
  EXPECT_FALSE(exchange_->answered);
  EXPECT_EQ(client_got(), "");
}

TEST_F(EarlyStream, AStreamFollowsInTheSameBodyBehindWhoServesIt) {
  ask(kChat);
  make_stream(ApiKind::kChat);
  exchange_->stream_begun = true;
  exchange_->report.account = "team-a";
  exchange_->report.pool = "fallback";
  exchange_->report.degraded = "fallback";
  exchange_->report.attempts = 2;
  exchange_->report.queue_time = 12s;
  attempt_.head = const_cast<ResponseHead*>(&provider_head(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\n"));
  Task<RelayEnd> relaying = relay_response(*shard_, *exchange_, attempt_);
  const std::string served =
      ": served account=team-a pool=fallback degraded=fallback attempts=2 queue_ms=12000\n\n";
  EXPECT_EQ(client_gets("\n\n\r\n"), "53\r\n" + served + "\r\n");
  provider_sends("data: 1\n\n");
  finish(relaying);
  EXPECT_EQ(relaying.take(), RelayEnd::kComplete);
  EXPECT_EQ(client_got(), "9\r\ndata: 1\n\n\r\n0\r\n\r\n");
}

}  // namespace
}  // namespace sluice
