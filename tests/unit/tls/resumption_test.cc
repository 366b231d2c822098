#include <gtest/gtest.h>
#include <malloc.h>

#include <deque>
#include <string>

#include "tests/unit/tls/raw_peer.h"
#include "tests/unit/tls/session_pair.h"
#include "tls/session_cache.h"

namespace sluice {
namespace {

constexpr TlsPeer kPeer{.host = "api.example.com", .port = 443};

class Resumption : public ::testing::Test {
 protected:
  // Connects, lets the server say something (its tickets come with that), and tells whether an
  // earlier session was resumed.
  bool resumed(const ServerTlsContext& server, const TlsPeer& peer = kPeer) {
    SessionPair pair(world_.client, peer, server, world_.pool);
    EXPECT_TRUE(pair.handshake()) << pair.client.failure() << pair.server.failure();
    EXPECT_EQ(pair.answer("hello"), "hello");
    EXPECT_EQ(pair.client.resumed(), pair.server.resumed());
    return pair.client.resumed();
  }

  TlsWorld world_;
  PemPair certificate_ =
      world_.authority.issue({.dns_names = {"api.example.com", "other.example.com"}});
  ServerTlsContext server_ = world_.server(certificate_);
};

TEST_F(Resumption, TheSecondConnectionResumes) {
  EXPECT_FALSE(resumed(server_));
  EXPECT_TRUE(resumed(server_));
  EXPECT_TRUE(resumed(server_));
}

TEST_F(Resumption, OnlyToTheSameHostAndPort) {
  EXPECT_FALSE(resumed(server_));
  EXPECT_FALSE(resumed(server_, {.host = "other.example.com", .port = 443}));
  EXPECT_FALSE(resumed(server_, {.host = "api.example.com", .port = 8443}));
  EXPECT_TRUE(resumed(server_, {.host = "API.example.com.", .port = 443}));
}

TEST_F(Resumption, OnlyUnderTheSameTrustStore) {
  const TrustStore equal = world_.trust_in("again.pem", world_.authority.certificate_pem());
  EXPECT_FALSE(resumed(server_));
  EXPECT_FALSE(resumed(server_, {.host = kPeer.host, .port = kPeer.port, .trust = &equal}));
  EXPECT_TRUE(resumed(server_, {.host = kPeer.host, .port = kPeer.port, .trust = &equal}));
}

TEST_F(Resumption, NotAfterAReload) {
  EXPECT_FALSE(resumed(server_));
  server_ = world_.server(certificate_);
  EXPECT_FALSE(resumed(server_));
  EXPECT_TRUE(resumed(server_));
}

TEST_F(Resumption, OnEveryShardThatSharesTheContext) {
  const ServerTlsContext other_shard = server_;
  EXPECT_FALSE(resumed(server_));
  EXPECT_TRUE(resumed(other_shard));
}

TEST_F(Resumption, ATicketIsUsedOnce) {
  EXPECT_FALSE(resumed(server_));
  // The server gave two tickets; connections that never get further use them up.
  for (int i = 0; i < 2; ++i) {
    TlsSession dropped(world_.client, kPeer, world_.pool);
    EXPECT_EQ(dropped.handshake(), TlsStatus::kWantInput);
  }
  EXPECT_FALSE(resumed(server_));
}

TEST_F(Resumption, TicketsBeyondTheBoundPushOutTheOldest) {
  for (int i = 0; i < 5; ++i) {
    SessionPair pair(world_.client, kPeer, server_, world_.pool);
    ASSERT_TRUE(pair.handshake());
    pair.answer("hello");
  }
  SessionCache::Peer& peer =
      world_.client.sessions().enter(kPeer.host, kPeer.port, world_.client.trust());
  EXPECT_EQ(peer.count, SessionCache::kSessionsPerPeerMax);
  world_.client.sessions().leave(peer);
}

TEST_F(Resumption, Tls12SessionsToo) {
  RawPeer client(false);
  SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
  client.start();
  TlsSession first(server_, world_.pool);
  client.exchange(first);
  ASSERT_TRUE(first.established());
  bssl::UniquePtr<SSL_SESSION> session(SSL_get1_session(client.ssl()));
  ASSERT_EQ(SSL_SESSION_is_resumable(session.get()), 1);

  RawPeer again(false);
  SSL_CTX_set_max_proto_version(again.context(), TLS1_2_VERSION);
  again.start();
  SSL_set_session(again.ssl(), session.get());
  TlsSession second(server_, world_.pool);
  again.exchange(second);
  EXPECT_TRUE(second.resumed());
}

TEST_F(Resumption, PeersBeyondTheBoundAreForgottenTheLongestUnusedFirst) {
  SessionCache cache;
  SessionCache::Peer& used = cache.enter("used.example", 1, world_.client.trust());
  for (std::uint16_t port = 0; port < 1000; ++port) {
    cache.leave(cache.enter("api.example.com", port, world_.client.trust()));
  }
  EXPECT_EQ(cache.peers(), SessionCache::kPeersMax);
  SessionCache::Peer& same = cache.enter("used.example", 1, world_.client.trust());
  EXPECT_EQ(&same, &used);
  cache.leave(used);
  cache.leave(same);
}

#if !defined(__SANITIZE_ADDRESS__)
// The promise of the class comment, counted where malloc counts: its own overhead is included.
TEST_F(Resumption, AnIdleSessionCostsLessThan4KiB) {
  constexpr std::size_t kSessions = 1000;
  ASSERT_FALSE(resumed(server_));
  std::deque<TlsSession> clients;
  std::deque<TlsSession> servers;
  std::string plaintext;
  const std::size_t before = mallinfo2().uordblks;
  std::size_t servers_bytes = 0;
  for (std::size_t i = 0; i < kSessions; ++i) {
    TlsSession& client = clients.emplace_back(world_.client, kPeer, world_.pool);
    TlsSession& server = servers.emplace_back(server_, world_.pool);
    std::string wire;
    static_cast<void>(client.handshake());
    for (int turn = 0; turn < 3; ++turn) {
      collect(client, wire);
      deliver(server, wire, plaintext);
      collect(server, wire);
      deliver(client, wire, plaintext);
    }
    ASSERT_TRUE(server.established() && client.established());
    ASSERT_TRUE(server.write("hello").has_value());
    collect(server, wire);
    deliver(client, wire, plaintext);
    plaintext.clear();
  }
  const std::size_t with_both = mallinfo2().uordblks;
  servers.clear();
  const std::size_t with_clients = mallinfo2().uordblks;
  servers_bytes = with_both - with_clients;
  const std::size_t clients_bytes = with_clients - before;
  RecordProperty("server_session_bytes", static_cast<int>(servers_bytes / kSessions));
  RecordProperty("client_session_bytes", static_cast<int>(clients_bytes / kSessions));
  EXPECT_LT(servers_bytes / kSessions, 4096u);
  EXPECT_LT(clients_bytes / kSessions, 4096u);
  EXPECT_EQ(world_.pool.bytes_in_use(), 0u);
  std::printf("idle session: server %zu bytes, client %zu bytes, of them TlsSession %zu\n",
              servers_bytes / kSessions, clients_bytes / kSessions, sizeof(TlsSession));
}
#endif

}  // namespace
}  // namespace sluice
