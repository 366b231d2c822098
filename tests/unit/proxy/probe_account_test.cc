#include "engine/proxy/probe_account.h"

#include "tests/unit/proxy/upstream_fixture.h"

namespace sluice {
namespace {

class ProbeAccount : public UpstreamTest {
 protected:
  void SetUp() override {
    UpstreamTest::SetUp();
    account_ = &add_upstream("team-a");
    arena_.emplace(shard_->blocks());
  }
  void TearDown() override {
    arena_.reset();
    UpstreamTest::TearDown();
  }

  Task<AccountProbe> probing() {
    return probe_account(*shard_, *pools_, *account_, nullptr, *arena_,
                         Limits{.deadline = clock_.now() + 60s});
  }
  // Probes a provider that answers with `answer` and closes.
  AccountProbe probed(std::string_view answer) {
    Task<AccountProbe> probe = probing();
    accept_one();
    asked_ = provider_gets("\r\n\r\n");
    if (!answer.empty()) provider_sends(answer);
    hang_up();
    finish(probe);
    return probe.take();
  }

  Account* account_ = nullptr;
  std::optional<Arena> arena_;
  std::string asked_;
};

TEST_F(ProbeAccount, AsksForTheModelsWithTheKey) {
  const AccountProbe probe = probed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(probe.status, 200);
  EXPECT_EQ(asked_,
            "GET /v1/models HTTP/1.1\r\n"
            "host: provider.test\r\n"
            "accept: application/json\r\n"
            "accept-encoding: identity\r\n"
            "user-agent: sluice\r\n"
            "via: 1.1 sluice\r\n"
            "connection: close\r\n"
            "authorization: Bearer sk-test-provider\r\n"
            "\r\n");
}

// COMPAT, fault 31: it asked for /v1/v1/models.
TEST_F(ProbeAccount, JoinsTheBaseAsRequestsDo) {
  account_->endpoint.base_path = "/api/v1";
  static_cast<void>(probed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(asked_.starts_with("GET /api/v1/models HTTP/1.1\r\n")) << asked_;
}

TEST_F(ProbeAccount, AnthropicGetsItsOwnFields) {
  account_->dialect = Dialect::kAnthropic;
  static_cast<void>(probed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_NE(asked_.find("\r\nx-api-key: sk-test-provider\r\n"), asked_.npos) << asked_;
  EXPECT_NE(asked_.find("\r\nanthropic-version: "), asked_.npos) << asked_;
  EXPECT_EQ(asked_.find("authorization"), asked_.npos) << asked_;
}

TEST_F(ProbeAccount, InterimAnswersAreNone) {
  EXPECT_EQ(probed("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 401 No\r\n\r\n").status, 401);
}

TEST_F(ProbeAccount, ElevenInterimAnswersAreTooMany) {
  std::string answer;
  for (int i = 0; i < 11; ++i) answer += "HTTP/1.1 103 Early Hints\r\n\r\n";
  const AccountProbe probe = probed(answer + "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(probe.status, 0);
  EXPECT_EQ(probe.error.code, Errc::kMalformed);
}

TEST_F(ProbeAccount, AnAnswerThatIsNoneIsTold) {
  const AccountProbe probe = probed("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  EXPECT_EQ(probe.status, 0);
  EXPECT_EQ(probe.error.code, Errc::kMalformed);
  EXPECT_FALSE(probe.failure.empty());
}

TEST_F(ProbeAccount, AnEndWithoutAnAnswerIsTold) {
  EXPECT_EQ(probed("").error.code, Errc::kEndOfStream);
}

TEST_F(ProbeAccount, NobodyListens) {
  account_->endpoint.port = 1;
  const AccountProbe probe = finished(probing());
  EXPECT_EQ(probe.error.code, Errc::kConnectFailed);
}

TEST_F(ProbeAccount, SilenceEndsAtTheDeadline) {
  Task<AccountProbe> probe = probing();
  accept_one();
  settle();
  leap(61s);
  finish(probe);
  const AccountProbe result = probe.take();
  EXPECT_EQ(result.error.code, Errc::kTimedOut);
  EXPECT_EQ(result.took, 61s);
}

struct VerdictRow {
  int status;
  ProbeVerdict verdict;
};

constexpr VerdictRow kVerdictRows[] = {
    {0, ProbeVerdict::kUnavailable},   {200, ProbeVerdict::kAccepted},
    {204, ProbeVerdict::kAccepted},    {301, ProbeVerdict::kUnavailable},
    {401, ProbeVerdict::kKeyRefused},  {403, ProbeVerdict::kUnavailable},
    {404, ProbeVerdict::kUnavailable}, {429, ProbeVerdict::kUnavailable},
    {500, ProbeVerdict::kUnavailable}, {502, ProbeVerdict::kUnavailable},
};

TEST(JudgeProbe, OnlyASuccessAcceptsTheKey) {
  for (const VerdictRow& row : kVerdictRows) {
    AccountProbe probe;
    probe.status = row.status;
    EXPECT_EQ(judge_probe(probe), row.verdict) << row.status;
    EXPECT_FALSE(probe_status_text(row.status).empty()) << row.status;
  }
}

}  // namespace
}  // namespace sluice
