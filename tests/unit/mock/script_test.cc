#include "tools/mock/script.h"

#include <gtest/gtest.h>

#include "tools/mock/provider_state.h"

namespace sluice {
namespace {

MockScript script_of(std::string_view text) {
  const std::expected<MockScript, std::string> script = parse_script(text);
  EXPECT_TRUE(script) << script.error();
  return script ? *script : MockScript{};
}

constexpr std::string_view kWholeScript = R"(
seed: 7
models: [mock-large, other/model]
strict-models: true
keys: [sk-test-a]
keep_alive: 5s
defaults: {latency: 20ms, tokens: 4, tokens-per-second: 50}
error-rates: {500: 0.25, 503: 0.5}
limits:
  - {key: sk-test-a, requests: 40, window: 60s, mode: fixed, retry-after: both, count-refused: true}
rules:
  - match:
      path: /v1/chat/*
      method: POST
      key: sk-test-a
      model: mock-*
      stream: true
      header: {x-test: "1"}
      body-contains: hello
      nth: 2-3
      every: 1
      probability: 1
    do: {status: 429, retry_after: 2, header: ["x-one: 1", "x-two: 2"]}
    times: 1
  - do: {early: true, status: 413}
)";

TEST(Script, IsReadWhole) {
  const MockScript script = script_of(kWholeScript);
  EXPECT_EQ(script.seed, 7u);
  EXPECT_EQ(script.models[1], "other/model");
  EXPECT_TRUE(script.strict_models);
  EXPECT_EQ(script.keep_alive, 5s);
  EXPECT_EQ(script.defaults.latency, 20ms);
  EXPECT_EQ(script.defaults.gap, 20ms);
  ASSERT_EQ(script.error_rates.size(), 2u);
  EXPECT_EQ(script.error_rates[1].status, 503);
  ASSERT_EQ(script.limits.size(), 1u);
  EXPECT_EQ(script.limits[0].mode, WindowMode::kFixed);
  EXPECT_EQ(script.limits[0].retry_after, RetryAfterSpelling::kBoth);
  ASSERT_EQ(script.rules.size(), 2u);
  EXPECT_EQ(script.rules[0].match.nth_first, 2u);
  EXPECT_EQ(script.rules[0].match.nth_last, 3u);
  EXPECT_EQ(script.rules[0].directives.size(), 4u);
  EXPECT_EQ(script.rules[0].times, 1u);
  EXPECT_FALSE(script.rules[0].early);
  EXPECT_TRUE(script.rules[1].early);
}

TEST(Script, SaysOnlyWhatItSaysOverItsBase) {
  MockScript base;
  base.seed = 9;
  base.defaults.latency = 5ms;
  const auto script = parse_script("defaults: {tokens: 2}", base);
  ASSERT_TRUE(script);
  EXPECT_EQ(script->seed, 9u);
  EXPECT_EQ(script->defaults.latency, 5ms);
  EXPECT_EQ(script->defaults.content.tokens, 2u);
  EXPECT_TRUE(parse_script(""));
  EXPECT_TRUE(parse_script(R"({"seed": 3})"));  // JSON is YAML
}

struct WrongScriptRow {
  const char* rule;
  const char* text;
  const char* must_name;
};
constexpr WrongScriptRow kWrongScriptRows[] = {
    {"an unknown member is named with its place", "seed: 1\nsped: 2", "line 2, column 1"},
    {"an unknown directive is named", "rules:\n  - do: {statuz: 1}", "statuz"},
    {"a wrong value is named", "defaults: {status: x}", "200 to 999"},
    {"an unknown condition is named", "rules:\n  - match: {paht: /}", "paht"},
    {"a rule has no other members", "rules:\n  - when: {}", "when"},
    {"broken YAML has a place", "rules: [", "line "},
    {"a script is a mapping", "- 1", "mapping"},
    {"a limit needs a key", "limits: [{requests: 1}]", "key"},
    {"a share is at most 1", "error-rates: {500: 2}", "0 to 1"},
    {"counting begins with 1", "rules: [{match: {nth: 0}}]", "counted from 1"},
};

TEST(Script, NamesWhatIsWrong) {
  for (const WrongScriptRow& row : kWrongScriptRows) {
    const auto script = parse_script(row.text);
    ASSERT_FALSE(script) << row.rule;
    EXPECT_NE(script.error().find(row.must_name), std::string::npos)
        << row.rule << ": " << script.error();
  }
}

TEST(KeyLimitOption, IsKeyNumberWindowAndMode) {
  const auto limit = parse_key_limit("sk-test-a=40/90s/fixed");
  ASSERT_TRUE(limit);
  EXPECT_EQ(limit->key, "sk-test-a");
  EXPECT_EQ(limit->requests, 40u);
  EXPECT_EQ(limit->window, 90s);
  EXPECT_EQ(limit->mode, WindowMode::kFixed);
  EXPECT_EQ(parse_key_limit("*=3")->window, 60s);
  for (const char* const wrong : {"", "a", "=3", "a=x", "a=3/0s", "a=3/60s/odd"}) {
    EXPECT_FALSE(parse_key_limit(wrong)) << wrong;
  }
}

TEST(ErrorRateOption, IsStatusAndShare) {
  EXPECT_EQ(parse_error_rate("500=0.1")->status, 500);
  for (const char* const wrong : {"", "500", "500=", "500=2", "500=-1", "5=0.1", "500=0.1x"}) {
    EXPECT_FALSE(parse_error_rate(wrong)) << wrong;
  }
}

MockRequest chat_request(std::string key, std::string model) {
  MockRequest request;
  request.method = "POST";
  request.path = "/v1/chat/completions";
  request.endpoint = endpoint_of(request.path);
  request.key = std::move(key);
  request.facts.is_object = true;
  request.facts.model = std::move(model);
  return request;
}

int status_of(ProviderState& state, const MockRequest& request, std::int64_t unix_us = 1) {
  return state.decide(request, unix_us).behaviour.head.status;
}

TEST(Rules, TheFirstThatMatchesIsTaken) {
  ProviderState state(script_of(R"(rules:
  - {match: {key: sk-test-b}, do: {status: 401}}
  - {match: {model: "m*"}, do: {status: 500}}
  - {do: {status: 503}})"),
                      0);
  EXPECT_EQ(status_of(state, chat_request("sk-test-b", "m")), 401);
  EXPECT_EQ(status_of(state, chat_request("sk-test-a", "m")), 500);
  EXPECT_EQ(status_of(state, chat_request("sk-test-a", "other")), 503);
}

TEST(Rules, CountTheRequestsThatFulfilTheirConditions) {
  ProviderState state(script_of(R"(rules:
  - {match: {key: sk-test-a, nth: 2}, do: {status: 429}}
  - {match: {key: sk-test-b, every: 2}, do: {status: 500}, times: 2})"),
                      0);
  std::vector<int> first, second;
  for (int i = 0; i < 3; ++i) first.push_back(status_of(state, chat_request("sk-test-a", "m")));
  for (int i = 0; i < 7; ++i) second.push_back(status_of(state, chat_request("sk-test-b", "m")));
  EXPECT_EQ(first, (std::vector<int>{200, 429, 200}));
  EXPECT_EQ(second, (std::vector<int>{200, 500, 200, 500, 200, 200, 200}));
  ASSERT_TRUE(state.set_script("rules: [{do: {status: 418}}]"));
  EXPECT_EQ(status_of(state, chat_request("sk-test-a", "m")), 418);
  state.restore_script();
  EXPECT_EQ(status_of(state, chat_request("sk-test-a", "m")), 200) << "counts begin anew";
  EXPECT_EQ(status_of(state, chat_request("sk-test-a", "m")), 429);
}

TEST(Rules, StandAboveTheDefaultsAndBelowTheModelAndTheHeader) {
  ProviderState state(script_of(R"(
defaults: {tokens: 1, dimensions: 1, status: 500}
rules: [{do: {tokens: 2, dimensions: 2, status: 200}}])"),
                      0);
  MockRequest request = chat_request("sk-test-a", "m!tokens=3;dimensions=3");
  request.fault = "dimensions=4";
  const Verdict verdict = state.decide(request, 1);
  EXPECT_EQ(verdict.behaviour.head.status, 200);
  EXPECT_EQ(verdict.behaviour.content.tokens, 3u);
  EXPECT_EQ(verdict.behaviour.content.dimensions, 4u);
  EXPECT_EQ(verdict.rule, 0);
  request.fault = "dimensions=none";
  EXPECT_EQ(status_of(state, request), 400);
}

TEST(Rules, AnErrorRateIsAShareUnderTheSeed) {
  ProviderState state(script_of("error-rates: {500: 0.25, 503: 0.25}"), 0);
  int failed = 0;
  for (int i = 0; i < 1000; ++i) failed += status_of(state, chat_request("k", "m")) >= 500;
  EXPECT_NEAR(failed, 500, 60);
}

TEST(Requests, AreRefusedAsAProviderDoes) {
  ProviderState state(script_of("{keys: [sk-test-a], models: [m], strict-models: true}"), 0);
  EXPECT_EQ(status_of(state, chat_request("sk-test-a", "m!tokens=1")), 200);
  EXPECT_EQ(status_of(state, chat_request("sk-test-b", "m")), 401);
  EXPECT_EQ(status_of(state, chat_request("", "m")), 401);
  EXPECT_EQ(status_of(state, chat_request("sk-test-a", "n")), 404);
  MockRequest request = chat_request("sk-test-a", "m");
  request.facts.is_object = false;
  EXPECT_EQ(status_of(state, request), 400);
  request.method = "GET";
  EXPECT_EQ(status_of(state, request), 405);
}

TEST(Requests, AboveTheLimitAreToldWhenToComeBack) {
  ProviderState state(script_of("limits: [{key: k, requests: 1, retry-after: both}]"), 0);
  EXPECT_EQ(status_of(state, chat_request("k", "m"), 1'000'000), 200);
  const Verdict refused = state.decide(chat_request("k", "m"), 2'500'000);
  EXPECT_EQ(refused.behaviour.head.status, 429);
  EXPECT_EQ(refused.behaviour.head.retry_after, "59");
  EXPECT_EQ(refused.behaviour.head.retry_after_ms, "58500");
  EXPECT_EQ(refused.behaviour.head.fields.back().value, "58.5s");
}

}  // namespace
}  // namespace sluice
