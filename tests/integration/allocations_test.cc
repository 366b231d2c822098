// A request costs no malloc on its shard once the pools have seen its kind (docs/DESIGN.md, promise
// 3). Counted in plain builds: a sanitizer brings an allocator of its own.
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "tests/integration/raw_client.h"
#include "tests/integration/running_gateway.h"
#include "tests/unit/malloc_count.h"
#include "tools/mock/mock_provider.h"

namespace sluice {
namespace {

struct Kind {
  const char* name;
  std::string target;
  std::string body;  // "": GET
  std::string fields;
  int status;
  bool own_connection = false;  // one per request, so that accepting and closing count too

  friend void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }
};

std::string chat_body(std::size_t prompt_bytes, bool stream) {
  return R"({"model":"canonical",)" + std::string(stream ? R"("stream":true,)" : "") +
         R"("messages":[{"role":"user","content":")" + std::string(prompt_bytes, 'x') + R"("}]})";
}

std::string request_text(const Kind& kind) {
  std::string text = (kind.body.empty() ? "GET " : "POST ") + kind.target +
                     " HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer sk-test-client\r\n" +
                     kind.fields;
  if (!kind.body.empty()) {
    text +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(kind.body.size()) +
        "\r\n";
  }
  return text + "\r\n" + kind.body;
}

const Kind kKinds[] = {
    {"chat", "/v1/chat/completions", chat_body(200, false), "", 200},
    {"stream", "/v1/chat/completions", chat_body(200, true), "", 200},
    {"prompt_of_60_kb", "/v1/chat/completions", chat_body(60'000, true), "", 200},
    {"image_of_700_kb", "/v1/chat/completions", chat_body(700'000, false), "", 200},
    {"connection_per_request", "/v1/chat/completions", chat_body(200, false),
     "Connection: close\r\n", 200, true},
    {"upstream_connection_per_request", "/v1/chat/completions", chat_body(200, false),
     "x-mock-fault: close\r\n", 200},
    {"answer_of_the_provider_with_an_error", "/v1/chat/completions", chat_body(200, false),
     "x-mock-fault: status=400\r\n", 400},
    {"models", "/v1/models", "", "", 200},
    {"unknown_model", "/v1/embeddings", R"({"model":"nobody-has-it","input":"x"})", "", 404},
    {"no_json", "/v1/chat/completions", "{", "", 400},
};

class Allocations : public ::testing::TestWithParam<Kind> {};

TEST_P(Allocations, NonePerRequest) {
  const Kind& kind = GetParam();
  MockProvider mock;
  const auto port = mock.start(MockOptions{});
  ASSERT_TRUE(port) << port.error();
  const RunningGateway gateway(
      "shards: 1\nclients: [{name: c, key: sk-test-client}]\naccounts:\n"
      "  - {name: a, base_url: '" +
          mock.url() +
          "/v1', api_key: sk-test-a, rpm_limit: 100000, models: {canonical: mock-large}}\n",
      count_allocations_of_this_thread);
  ASSERT_NE(gateway.port(), 0);
  const std::string request = request_text(kind);
  RawClient kept(gateway.port());
  const auto ask = [&] {
    RawClient fresh(kind.own_connection ? gateway.port() : 0);
    RawClient& client = kind.own_connection ? fresh : kept;
    ASSERT_TRUE(client.send(request));
    const std::optional<RawResponse> response = client.read_response();
    ASSERT_TRUE(response);
    ASSERT_EQ(response->status, kind.status) << response->body;
  };
  // A pool that grows once, because two requests happened to overlap, is no cost per request: that
  // would show in every round.
  constexpr int kRounds = 5;
  constexpr int kRequests = 200;
  std::string counts;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t before = allocations_counted();
    ASSERT_GT(before, 0u);  // the start allocates: the count counts
    for (int i = 0; i < kRequests; ++i) ASSERT_NO_FATAL_FAILURE(ask());
    const std::uint64_t allocated = allocations_counted() - before;
    if (allocated == 0) return;
    counts += " " + std::to_string(allocated);
  }
  FAIL() << "allocations in rounds of " << kRequests << " requests:" << counts;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Allocations, ::testing::ValuesIn(kKinds),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace sluice
