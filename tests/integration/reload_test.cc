// What a reload brings to a shard.
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/raw_client.h"
#include "tests/integration/running_gateway.h"
#include "tools/mock/mock_provider.h"

namespace sluice {
namespace {

TEST(Reload, TheHostsFileIsReadAnew) {
  MockProvider mock;
  const auto port = mock.start(MockOptions{});
  ASSERT_TRUE(port) << port.error();
  // RFC 6761: no name server knows a name below .invalid.
  RunningGateway gateway("shards: 1\naccounts: [{name: a, base_url: 'http://provider.invalid:" +
                         std::to_string(*port) + "/v1', api_key: sk-test-a}]\n");
  ASSERT_NE(gateway.port(), 0);
  gateway.publish_hosts("127.0.0.1 provider.invalid\n");
  RawClient client(gateway.port());
  ASSERT_TRUE(client.send(request_text("POST", "/v1/chat/completions",
                                       R"({"model":"mock-large","messages":[]})",
                                       "Content-Type: application/json\r\n")));
  const auto response = client.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200) << response->body;
}

}  // namespace
}  // namespace sluice
