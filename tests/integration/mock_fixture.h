#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tests/integration/raw_client.h"
#include "tools/mock/mock_provider.h"

namespace sluice {

// WithMock - a provider on a port of its own for every test.
class WithMock : public ::testing::Test {
 protected:
  void start(std::string_view script = {}) {
    MockOptions options;
    const std::expected<MockScript, std::string> read = parse_script(script);
    ASSERT_TRUE(read) << read.error();
    options.script = *read;
    start(std::move(options));
  }
  void start(MockOptions options) {
    const std::expected<std::uint16_t, std::string> port = mock.start(std::move(options));
    ASSERT_TRUE(port) << port.error();
    port_ = *port;
  }

  [[nodiscard]] RawClient connect() const { return RawClient(port_); }

  // Sends one request on a connection of its own and reads the answer.
  [[nodiscard]] RawResponse ask(std::string_view method, std::string_view target,
                                std::string_view body = {}, std::string_view fields = {},
                                std::string_view key = "sk-test-a") const {
    RawClient client = connect();
    EXPECT_TRUE(client.open() && client.send(request_text(method, target, body, fields, key)));
    const std::optional<RawResponse> response = client.read_response(method == "HEAD");
    EXPECT_TRUE(response) << method << " " << target;
    return response.value_or(RawResponse());
  }
  [[nodiscard]] RawResponse chat(std::string_view directives, bool stream = false) const {
    return ask("POST", "/v1/chat/completions", stream ? kStreamBody : kChatBody,
               "x-mock-fault: " + std::string(directives) + "\r\n");
  }

  // The ledger once `done` holds for its last entry: the provider notes an end after it has sent
  // it.
  [[nodiscard]] MockExchange last_exchange(const std::function<bool(const MockExchange&)>& done =
                                               [](const MockExchange& exchange) {
                                                 return exchange.ended_us != 0;
                                               }) const {
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < limit) {
      const std::vector<MockExchange> exchanges = mock.ledger();
      if (!exchanges.empty() && done(exchanges.back())) return exchanges.back();
      std::this_thread::yield();
    }
    ADD_FAILURE() << "the ledger does not show it after a minute";
    return {};
  }

  static constexpr std::string_view kChatBody =
      R"({"model":"m","messages":[{"role":"user","content":"hello"}]})";
  static constexpr std::string_view kStreamBody =
      R"({"model":"m","stream":true,"messages":[{"role":"user","content":"hello"}]})";

  MockProvider mock;
  std::uint16_t port_ = 0;
};

}  // namespace sluice
