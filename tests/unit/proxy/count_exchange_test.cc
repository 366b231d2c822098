#include "engine/proxy/count_exchange.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "engine/proxy/serve_connection.h"
#include "engine/proxy/try_account.h"
#include "tests/unit/proxy/upstream_fixture.h"
#include "tests/unit/tcp_pair.h"

namespace sluice {
namespace {

using Counts = std::map<std::string, std::uint64_t>;

class CountExchange : public UpstreamTest {
 protected:
  // "model account pool code": how many.
  Counts requests() {
    Counts counts;
    const LabelNames& names = directory_->labels;
    for (const SeriesTable::Series& series : worker_->metrics.request_series()) {
      const RequestLabels of = RequestLabels::of(series.key);
      counts[names.text(of.model) + " " + names.text(of.account) + " " +
             std::to_string(static_cast<int>(of.pool)) + " " + std::to_string(of.code)] =
          series.count;
    }
    return counts;
  }
  // "account event outcome status": how many.
  Counts events() {
    Counts counts;
    for (const SeriesTable::Series& series : worker_->metrics.account_series()) {
      const AccountLabels of = AccountLabels::of(series.key);
      counts[directory_->labels.text(of.account) + " " +
             std::to_string(static_cast<int>(of.event)) + " " +
             std::to_string(static_cast<int>(of.outcome)) + " " + std::to_string(of.status)] =
          series.count;
    }
    return counts;
  }
  void count() { count_exchange(*shard_, *exchange_); }
  // Tries the account; the provider says this, and no more if it `breaks` off.
  void try_with(std::string_view answer, bool breaks = false) {
    if (directory_->accounts.empty()) add_upstream("team-a").cost = {.input = 1'000'000};
    begin("POST /v1/x HTTP/1.1\r\nHost: g\r\n\r\n");
    exchange_->forwarded = true;
    if (!directory_->clients.empty()) exchange_->client_key = &directory_->clients.front();
    Ladder ladder(*directory_, worker_->balancer, "");
    HeldAnswer held;
    Choice choice = ladder.next(shard_->now());
    Task<TryResult> trying = try_and_relay(*shard_, *exchange_, ladder, choice, held);
    accept_one();
    static_cast<void>(provider_gets("\r\n\r\n"));
    pass(40ms);
    provider_sends(answer);
    if (breaks) {
      static_cast<void>(client_gets("abc"));
      hang_up();
    }
    finish(trying);
    hang_up();
    turn_until([this] { return endpoint().idle_count() == 0; });
  }
};

TEST_F(CountExchange, TimesAreApart) {
  Exchange& exchange = begin("GET / HTTP/1.1\r\nHost: g\r\n\r\n");
  exchange.forwarded = true;
  exchange.priority = Priority::kHigh;
  pass(1ms);
  exchange.received_at = clock_.now();
  pass(500ms);
  exchange.report.status = 200;
  exchange.report.attempts = 1;
  exchange.report.head_sent_at = clock_.now();
  exchange.report.upstream_time = 400ms;
  exchange.report.queue_time = 100ms - 30us;
  exchange.report.first_token_at = clock_.now() + 5ms;
  pass(499ms);
  count();
  const ShardMetrics& metrics = worker_->metrics;
  EXPECT_EQ(metrics.overhead.read().sum_ns, 30'000u);
  EXPECT_EQ(metrics.upstream.read().sum_ns, 400'000'000u);
  EXPECT_EQ(metrics.duration.read().sum_ns, 1'000'000'000u);
  EXPECT_EQ(metrics.first_token.read().sum_ns, 506'000'000u);
  EXPECT_EQ(metrics.queue_wait[rank_of(Priority::kHigh)].read().sum_ns, 99'970'000u);
  EXPECT_EQ(metrics.queue_wait[rank_of(Priority::kNormal)].read().count(), 0u);
}

TEST_F(CountExchange, OurOwnAnswersHaveNoTimes) {
  begin("GET /health HTTP/1.1\r\nHost: g\r\n\r\n").report.status = 200;
  count();
  EXPECT_EQ(requests(), (Counts{{"  0 200", 1}}));
  EXPECT_EQ(worker_->metrics.duration.read().count(), 0u);
}

TEST_F(CountExchange, AConnectionThatSaidNothingIsNoRequest) {
  begin("GET / HTTP/1.1\r\nHost: g\r\n\r\n").head = nullptr;
  count();
  EXPECT_EQ(requests(), Counts{});
}

struct CodeRow {
  const char* rule;
  std::uint16_t status, late_status;
  bool client_gone;
  const char* counted;
};
constexpr CodeRow kCodeRows[] = {
    {"as answered", 503, 0, false, "  0 503"},
    {"a stream that waited: what it would have been", 200, 429, false, "  0 429"},
    {"the client left before an answer", 0, 0, true, "  0 499"},
    {"and after it", 200, 0, true, "  0 200"},
    {"nobody was answered", 0, 0, false, "  0 0"},
};

TEST_F(CountExchange, CodeRows) {
  for (const CodeRow& row : kCodeRows) {
    SCOPED_TRACE(row.rule);
    exchange_.reset();
    worker_.reset();
    directory_ = std::make_shared<Directory>();
    ExchangeReport& report = begin("GET / HTTP/1.1\r\nHost: g\r\n\r\n").report;
    report.status = row.status;
    report.late_status = row.late_status;
    report.client_gone = row.client_gone;
    count();
    EXPECT_EQ(requests(), (Counts{{row.counted, 1}}));
  }
}

TEST_F(CountExchange, AServedRequestCountsItsAccountTokensAndCost) {
  constexpr std::string_view kBody =
      R"({"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}})";
  add_client("web", "sk-test-client");
  try_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(kBody.size()) + "\r\n\r\n" + std::string(kBody));
  count();
  EXPECT_EQ(requests(), (Counts{{" team-a 1 200", 1}}));
  EXPECT_EQ(events(), (Counts{{"team-a 0 0 0", 1}}));
  const ShardMetrics& metrics = worker_->metrics;
  EXPECT_EQ(metrics.tokens[0], 7u);
  EXPECT_EQ(metrics.tokens[1], 3u);
  EXPECT_EQ(metrics.nano_dollars, 7'000u);  // a dollar for a million prompt tokens
  EXPECT_EQ(exchange_->client_key->spending->spent(BudgetPeriod::kMonth, clock_.unix_ms()), 7'000u);
  EXPECT_EQ(metrics.unpriced, 0u);
  EXPECT_EQ(metrics.upstream.read().sum_ns, 40'000'000u);
  EXPECT_EQ(metrics.attempts, 1u);
}

TEST_F(CountExchange, A429IsAnOutcomeAndOneCooldown) {
  try_with("HTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(events(), (Counts{{"team-a 0 2 429", 1}, {"team-a 1 0 0", 1}}));
}

// The client has the 200, and the request failed.
TEST_F(CountExchange, AnAnswerThatTheProviderBreaksOffIsAnErrorOfTheProviders) {
  try_with("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", true);
  count();
  EXPECT_EQ(exchange_->report.status, 200);
  EXPECT_EQ(requests(), (Counts{{" team-a 1 502", 1}}));
  EXPECT_EQ(events(), (Counts{{"team-a 0 4 0", 1}}));
}

// A connection of its own that asks once.
class CountConnection : public CountExchange {
 protected:
  void SetUp() override {
    CountExchange::SetUp();
    directory_->open = true;
    asker_ = tcp_pair();
  }
  void TearDown() override {
    close(asker_.theirs);
    CountExchange::TearDown();
  }
  Task<void> ask(std::string_view method, std::string_view path, std::string_view body = {}) {
    begin("GET / HTTP/1.0\r\n\r\n");  // makes the worker
    exchange_.reset();
    std::string text = std::string(method) + " " + std::string(path) +
                       " HTTP/1.1\r\nHost: g\r\nConnection: close\r\n";
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    text.append("\r\n").append(body);
    EXPECT_EQ(send(asker_.theirs, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return serve_connection(*shard_, *worker_, asker_.ours);
  }
  void provider_answers() {
    accept_one();
    static_cast<void>(provider_gets("}"));
    EXPECT_EQ(worker_->metrics.in_flight, 1u);
    provider_sends("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  }
  Pair asker_{-1, -1};
};

TEST_F(CountConnection, AMappedModelIsNamed) {
  add_upstream("team-a").models = {{"gpt", "vendor/gpt"}};
  Task<void> serving = ask("POST", "/v1/embeddings", R"({"model":"gpt","input":"x"})");
  provider_answers();
  finish(serving);
  EXPECT_EQ(requests(), (Counts{{"gpt team-a 1 200", 1}}));
  EXPECT_EQ(worker_->metrics.overhead.read().count(), 1u);
}

TEST_F(CountConnection, ANameThatOnlyTheClientTellsIsNone) {
  add_upstream("team-a");  // serves every model
  Task<void> serving = ask("POST", "/v1/embeddings", R"({"model":"client-says","input":"x"})");
  provider_answers();
  finish(serving);
  EXPECT_EQ(requests(), (Counts{{"other team-a 1 200", 1}}));
}

TEST_F(CountConnection, NorIsOneThatNobodyServes) {
  add_upstream("team-a").models = {{"gpt", "vendor/gpt"}};
  finish(ask("POST", "/v1/embeddings", R"({"model":"client-says","input":"x"})"));
  EXPECT_EQ(requests(), (Counts{{"other  0 404", 1}}));
}

TEST_F(CountConnection, IsOpenUntilItIsClosed) {
  Task<void> serving = ask("GET", "/livez");
  EXPECT_EQ(worker_->metrics.connections_open, 1u);
  finish(serving);
  EXPECT_EQ(worker_->metrics.connections_open, 0u);
  EXPECT_EQ(worker_->metrics.in_flight, 0u);
  EXPECT_EQ(worker_->metrics.requests, 1u);
  EXPECT_EQ(requests(), (Counts{{"  0 200", 1}}));
}

}  // namespace
}  // namespace sluice
