// A request costs no malloc on its shard once the pools have seen its kind (docs/DESIGN.md, promise
// 3), but for those that BoringSSL makes for its records (there, TLS). Counted in plain builds: a
// sanitizer brings an allocator of its own.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cctype>
#include <deque>
#include <optional>
#include <ostream>
#include <string>
#include <tuple>

#include "engine/task/frame_pool.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/raw_tls_client.h"
#include "tests/integration/running_gateway.h"
#include "tests/unit/malloc_count.h"
#include "tests/unit/test_directory.h"
#include "tests/unit/tls/test_certificates.h"
#include "tools/mock/mock_provider.h"

namespace sluice {
namespace {

struct Kind {
  const char* name;
  std::string target;
  std::string body;  // "": GET
  std::string fields;
  int status;
  std::uint64_t library_max;  // over TLS, BoringSSL's own, per request; a little above what is seen
  bool own_connection = false;  // one per request, so that accepting and closing count too
  bool hedged = false;          // a second account is asked for each request

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

// A record that comes and one that goes cost BoringSSL one malloc each; a handshake about 200.
const Kind kKinds[] = {
    {"chat", "/v1/chat/completions", chat_body(200, false), "", 200, 4},
    {"stream", "/v1/chat/completions", chat_body(200, true), "", 200, 20},
    {"prompt_of_60_kb", "/v1/chat/completions", chat_body(60'000, true), "", 200, 30},
    {"image_of_700_kb", "/v1/chat/completions", chat_body(700'000, false), "", 200, 150},
    {"connection_per_request", "/v1/chat/completions", chat_body(200, false),
     "Connection: close\r\n", 200, 300, true},
    {"upstream_connection_per_request", "/v1/chat/completions", chat_body(200, false),
     "x-mock-fault: close\r\n", 200, 300},
    {"answer_of_the_provider_with_an_error", "/v1/chat/completions", chat_body(200, false),
     "x-mock-fault: status=400\r\n", 400, 4},
    {"two_accounts_at_once", "/v1/chat/completions", chat_body(200, true),
     "x-mock-fault: latency=5ms\r\n", 200, 600, false, true},
    {"models", "/v1/models", "", "", 200, 2},
    {"unknown_model", "/v1/embeddings", R"({"model":"nobody-has-it","input":"x"})", "", 404, 2},
    {"no_json", "/v1/chat/completions", "{", "", 400, 2},
};

// The files of one identity for everything on 127.0.0.1, and of its authority.
struct Identity {
  TestDirectory folder;
  TestAuthority authority{"allocations"};
  PemPair pair = authority.issue({.addresses = {"127.0.0.1"}});
  std::string ca = folder.write("ca.pem", authority.certificate_pem());
  std::string certificate = folder.write("certificate.pem", pair.certificate);
  std::string key = folder.write("key.pem", pair.key);
};

// Client - of the gateway, plain or over TLS.
class Client {
 public:
  // `identity`: null without TLS.
  Client(std::uint16_t port, const Identity* identity) {
    if (identity == nullptr) plain_.emplace(port);
    else tls_.emplace(port, "127.0.0.1", identity->ca);
  }

  // The status of the answer, once all of it is here; 0: none came.
  [[nodiscard]] int ask(const std::string& request) {
    if (plain_) {
      if (!plain_->send(request)) return 0;
      const std::optional<RawResponse> response = plain_->read_response();
      return response && response->complete ? response->status : 0;
    }
    if (!tls_->ready() || !tls_->send(request)) return 0;
    std::string text;
    while (!is_whole(text)) {
      const std::string more = tls_->read(1);
      if (more.empty()) return 0;
      text += more;
    }
    return std::stoi(text.substr(text.find(' ')));
  }

 private:
  static bool is_whole(const std::string& text) {
    const std::size_t head_bytes = text.find("\r\n\r\n") + 4;
    if (head_bytes < 4) return false;
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const auto same = [](char a, char b) { return std::tolower(a) == std::tolower(b); };
    const auto found = std::search(text.begin(), text.begin() + static_cast<long>(head_bytes),
                                   kLength.begin(), kLength.end(), same);
    if (found == text.begin() + static_cast<long>(head_bytes)) return text.ends_with("0\r\n\r\n");
    return text.size() == head_bytes + std::stoul(std::string(found + kLength.size(), text.end()));
  }

  std::optional<RawClient> plain_;
  std::optional<RawTlsClient> tls_;
};

std::string gateway_config(const std::string& provider, const Identity* identity, bool hedged) {
  std::string account = "base_url: '" + provider +
                        "/v1', api_key: sk-test-a, rpm_limit: 100000, "
                        "models: {canonical: mock-large}";
  std::string config = "shards: 1\nclients: [{name: c, key: sk-test-client}]\n";
  if (identity != nullptr) {
    account += ", ca_file: " + identity->ca;
    config += "tls: [{certificate: " + identity->certificate + ", key: " + identity->key + "}]\n";
  }
  config += "accounts: [{name: a, " + account + "}";
  if (!hedged) return config + "]\n";
  return config + ", {name: b, " + account + "}]\nhedge: {after: 1ms, percent: 100}\n";
}

// Over TLS: from the client to the gateway, and from there to the provider.
enum class Wire : bool { kPlain, kTls };

// A pool that grows once, because two requests happened to overlap, is no cost per request: that
// would show in every round.
constexpr int kRounds = 5;
constexpr int kRequests = 200;

class Allocations : public ::testing::TestWithParam<std::tuple<Kind, Wire>> {};

TEST_P(Allocations, NonePerRequest) {
  const auto& [kind, wire] = GetParam();
  std::optional<Identity> files;
  if (wire == Wire::kTls) files.emplace();
  const Identity* const identity = files ? &*files : nullptr;
  MockOptions options;
  if (files) options.certificate_file = files->certificate;
  if (files) options.key_file = files->key;
  MockProvider mock;
  const auto port = mock.start(std::move(options));
  ASSERT_TRUE(port) << port.error();
  const std::uint64_t library_max = files ? kind.library_max * kRequests : 0;
  // A BoringSSL that is no shared library cannot be told apart.
  const bool told_apart = count_library_apart("libssl.so") && count_library_apart("libcrypto.so");
  const std::uint64_t ours_max = told_apart ? 0 : library_max;
  const RunningGateway gateway(gateway_config(mock.url(), identity, kind.hedged),
                               count_allocations_of_this_thread);
  ASSERT_NE(gateway.port(), 0);
  const std::string request = request_text(kind);
  std::optional<Client> client;
  std::string counts;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t before = allocations_counted();
    const std::uint64_t library_before = library_allocations_counted();
    ASSERT_GT(before, 0u);  // the start allocates: the count counts
    for (int i = 0; i < kRequests; ++i) {
      if (!client || kind.own_connection) client.emplace(gateway.port(), identity);
      ASSERT_EQ(client->ask(request), kind.status);
    }
    const std::uint64_t ours = allocations_counted() - before;
    const std::uint64_t library = library_allocations_counted() - library_before;
    if (ours <= ours_max && library <= library_max) return;
    counts += " " + std::to_string(ours) + "+" + std::to_string(library);
  }
  FAIL() << "allocations (ours+BoringSSL's) in rounds of " << kRequests << " requests:" << counts;
}

std::string name_of(const ::testing::TestParamInfo<std::tuple<Kind, Wire>>& info) {
  const auto& [kind, wire] = info.param;
  return std::string(kind.name) + (wire == Wire::kTls ? "_over_tls" : "");
}

INSTANTIATE_TEST_SUITE_P(Kinds, Allocations,
                         ::testing::Combine(::testing::ValuesIn(kKinds),
                                            ::testing::Values(Wire::kPlain, Wire::kTls)),
                         name_of);

// Descriptors for as many connections, both ends of each; false when the machine allows fewer.
bool allow_descriptors(rlim_t count) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(count, limit.rlim_max));
  return limit.rlim_cur >= count && ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

// What a connection keeps between two requests comes from slabs, each of them one allocation.
TEST(IdleConnections, KeepHalfAKibibyteEach) {
  constexpr std::size_t kConnections = 1900;  // two descriptors each, of the 4096 that are usual
  constexpr std::size_t kBytesMax = 512;
  ASSERT_TRUE(allow_descriptors(2 * kConnections + 100)) << "ulimit -Hn is too low";
  const RunningGateway gateway(gateway_config("http://127.0.0.1:9", nullptr, false),
                               count_allocations_of_this_thread);
  ASSERT_NE(gateway.port(), 0);
  const Kind models{"models", "/v1/models", "", "", 200, 0};
  const std::string request = request_text(models);
  Client first(gateway.port(), nullptr);
  ASSERT_EQ(first.ask(request), models.status);
  const std::uint64_t before = allocations_counted();
  std::deque<Client> clients;
  for (std::size_t i = 0; i < kConnections; ++i) {
    clients.emplace_back(gateway.port(), nullptr);
    ASSERT_EQ(clients.back().ask(request), models.status);
  }
  const std::uint64_t slabs = allocations_counted() - before;
  EXPECT_GT(slabs, 0u);
  EXPECT_LE(slabs, 1 + kConnections / (FramePool::kSlabBytes / kBytesMax - 1));
}

}  // namespace
}  // namespace sluice
