#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/net/resolver.h"
#include "engine/proxy/collect_head.h"
#include "engine/proxy/exchange.h"
#include "tests/unit/shard_fixture.h"
#include "tls/digest.h"

namespace sluice {

// ProxyTest - one exchange of a shard: the client is the other end of a socket pair, time stands
// still. A test fills directory_ and settings_, then calls begin().
class ProxyTest : public ShardTest {
 protected:
  void SetUp() override {
    ShardTest::SetUp();
    pools_.emplace(*shard_, resolver_, nullptr, UpstreamPools::Limits{});
    dispatcher_.emplace(*shard_, 1);
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    client_.emplace(*shard_, fds[0], Side::kDownstream, RecvMode::kSingle);
    peer_ = fds[1];
  }
  void TearDown() override {
    exchange_.reset();
    worker_.reset();
    Task<void> closing = close_stream(*shard_, *client_);
    finish(closing);
    close(peer_);
  }

  // An account that serves what `models` names, under the same names; all models when it is empty.
  Account& add_account(std::string_view name, std::initializer_list<std::string_view> models = {}) {
    auto account = std::make_unique<Account>();
    account->name = name;
    account->endpoint.host = "provider.test";
    account->endpoint.authority = "provider.test";
    account->api_key = Secret("sk-test-provider");
    for (const std::string_view model : models)
      account->models.push_back({std::string(model), std::string(model)});
    directory_->accounts.push_back(std::move(account));
    return *directory_->accounts.back();
  }
  void add_client(std::string_view name, std::string_view key,
                  std::initializer_list<std::string_view> models = {}) {
    ClientKey client;
    client.name = name;
    client.models = {models.begin(), models.end()};
    const Sha256Digest digest = sha256(key);
    std::memcpy(client.sha256, digest.data(), sizeof(client.sha256));
    directory_->clients.push_back(std::move(client));
  }

  // The exchange, with its head read. Once for each test, or anew for each row.
  Exchange& begin(std::string_view head) {
    exchange_.reset();
    if (!worker_) {
      finish_directory(*directory_, nullptr, clock_.now());
      auto snapshot = std::make_shared<Snapshot>();
      snapshot->directory = directory_;
      snapshot->settings = settings_;
      snapshot_ = SnapshotRef(std::move(snapshot));
      worker_.emplace(*shard_, *pools_, *dispatcher_, snapshot_);
      worker_->started_at = clock_.now();
    }
    exchange_.emplace(*shard_, *worker_, *client_);
    Arena& arena = exchange_->arena;
    exchange_->head = arena.make<RequestHead>();
    Refusal why;
    std::size_t bytes = 0;
    ParseRequest parse{.parser = RequestHeadParser(), .head = exchange_->head, .arena = &arena};
    EXPECT_EQ(parse(arena.copy(head), why, bytes), HeadState::kComplete) << why.message;
    exchange_->request_id = "req-1";
    exchange_->received_at = clock_.now();
    return *exchange_;
  }
  void set_body(std::string_view text) {
    char* const bytes = exchange_->arena.bytes(text.size() + 64);  // 64 readable bytes follow
    std::memset(bytes, 0, text.size() + 64);
    std::memcpy(bytes, text.data(), text.size());
    exchange_->take_body({bytes, text.size()});
  }

  // A provider's head, in the arena of the exchange.
  const ResponseHead& provider_head(std::string_view text) {
    Arena& arena = exchange_->arena;
    auto* const head = arena.make<ResponseHead>();
    Refusal why;
    std::size_t bytes = 0;
    ParseResponse parse{.parser = ResponseHeadParser(),
                        .head = head,
                        .arena = &arena,
                        .head_request = exchange_->head->method == Method::kHead};
    EXPECT_EQ(parse(arena.copy(text), why, bytes), HeadState::kComplete) << why.message;
    return *head;
  }

  // Time goes on, and a turn sees it: without waiting for it.
  void pass(Duration time) {
    clock_.advance(time);
    shard_->turn(shard_->now());
  }

  // Turns until `condition` holds; each waits for the kernel at most a millisecond.
  template <class Condition>
  void turn_until(Condition condition) {
    constexpr int kTurnsMax = 30'000;  // what takes so long will not come
    for (int turns = 0; !condition(); ++turns) {
      ASSERT_LT(turns, kTurnsMax) << "still waiting";
      shard_->turn(shard_->now() + 1ms);
    }
  }

  // What the client has got so far, without waiting for more.
  std::string client_got() {
    std::string got;
    char bytes[4096];
    while (true) {
      const ssize_t count = recv(peer_, bytes, sizeof(bytes), MSG_DONTWAIT);
      if (count <= 0) return got;
      got.append(bytes, static_cast<std::size_t>(count));
    }
  }

  Resolver resolver_;
  std::optional<UpstreamPools> pools_;
  std::optional<Dispatcher> dispatcher_;
  std::optional<Stream> client_;
  int peer_ = -1;
  std::shared_ptr<Directory> directory_ = std::make_shared<Directory>();
  ProxySettings settings_;
  SnapshotRef snapshot_;
  std::optional<Worker> worker_;
  std::optional<Exchange> exchange_;
};

// What an outbox would send.
inline std::string text_of(Outbox& outbox) {
  std::string text;
  for (const iovec& piece : outbox.pieces())
    text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  return text;
}

}  // namespace sluice
