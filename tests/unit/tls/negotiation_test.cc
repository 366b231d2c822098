// What TlsSession agrees to and what it refuses, against a peer that is not ours.
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <string>

#include "tests/unit/tls/raw_peer.h"
#include "tests/unit/tls/session_pair.h"

namespace sluice {
namespace {

constexpr TlsPeer kPeer{.host = "api.example.com", .port = 443};

class Negotiation : public ::testing::Test {
 protected:
  // A server of the library's with the same certificate as server_.
  void start_raw_server(RawPeer& peer) {
    SL_ASSERT(SSL_CTX_use_certificate_chain_file(
                  peer.context(), world_.directory.path_of("server.pem").c_str()) == 1);
    SL_ASSERT(SSL_CTX_use_PrivateKey_file(peer.context(),
                                          world_.directory.path_of("server.key").c_str(),
                                          SSL_FILETYPE_PEM) == 1);
    peer.start();
  }

  TlsWorld world_;
  ServerTlsContext server_ =
      world_.server(world_.authority.issue({.dns_names = {"api.example.com"}}));
};

struct VersionRow {
  const char* rule;
  std::uint16_t newest;
  bool agreed;
  const char* version_or_failure;
};

constexpr VersionRow kClientRows[] = {
    {"TLS 1.3 is taken", TLS1_3_VERSION, true, "TLSv1.3"},
    {"TLS 1.2 is taken", TLS1_2_VERSION, true, "TLSv1.2"},
    {"TLS 1.1 is refused", TLS1_1_VERSION, false,
     "no common protocol version (peer offers TLS 1.1)"},
    {"TLS 1.0 is refused", TLS1_VERSION, false, "no common protocol version (peer offers TLS 1.0)"},
};

TEST_F(Negotiation, VersionsOfAClient) {
  for (const VersionRow& row : kClientRows) {
    RawPeer client(false);
    SSL_CTX_set_min_proto_version(client.context(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(client.context(), row.newest);
    client.start();
    TlsSession server(server_, world_.pool);
    client.exchange(server);
    EXPECT_EQ(server.established(), row.agreed) << row.rule;
    EXPECT_EQ(row.agreed ? server.version() : server.failure(), row.version_or_failure);
    EXPECT_EQ(server.error().code, row.agreed ? Errc::kOk : Errc::kTlsHandshakeFailed) << row.rule;
  }
}

constexpr VersionRow kServerRows[] = {
    {"TLS 1.3 is taken", TLS1_3_VERSION, true, "TLSv1.3"},
    {"TLS 1.2 is taken", TLS1_2_VERSION, true, "TLSv1.2"},
    {"TLS 1.1 is refused", TLS1_1_VERSION, false,
     "no common protocol version (peer refuses TLS 1.2 and 1.3)"},
};

TEST_F(Negotiation, VersionsOfAServer) {
  for (const VersionRow& row : kServerRows) {
    RawPeer server(true);
    SSL_CTX_set_min_proto_version(server.context(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(server.context(), row.newest);
    start_raw_server(server);
    TlsSession client(world_.client, kPeer, world_.pool);
    server.exchange(client);
    EXPECT_EQ(client.established(), row.agreed) << row.rule;
    EXPECT_EQ(row.agreed ? client.version() : client.failure(), row.version_or_failure);
  }
}

TEST_F(Negotiation, AServerThatChoosesTls11AnywayIsRefusedByName) {
  TlsSession client(world_.client, kPeer, world_.pool);
  ASSERT_EQ(client.handshake(), TlsStatus::kWantInput);
  std::string hello("\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02", 11);
  hello += std::string(32, 'r') + std::string("\x00\xc0\x13\x00", 4);
  client.set_input(hello);
  EXPECT_EQ(client.handshake(), TlsStatus::kFailed);
  EXPECT_EQ(client.failure(), "no common protocol version (peer chose TLS 1.1)");
}

struct AlpnRow {
  const char* rule;
  std::string_view offered;  // wire format
  bool agreed;
};

constexpr AlpnRow kAlpnRows[] = {
    {"http/1.1 is taken", "\x08http/1.1", true},
    {"http/1.1 is found behind others", "\x02h2\x08http/1.0\x08http/1.1", true},
    {"a client without ALPN speaks http/1.1", "", true},
    {"h2 alone is refused (RFC 7301, 3.2)", "\x02h2", false},
};

TEST_F(Negotiation, ApplicationProtocolOfAClient) {
  for (const AlpnRow& row : kAlpnRows) {
    RawPeer client(false);
    SSL_CTX_set_alpn_protos(client.context(),
                            reinterpret_cast<const std::uint8_t*>(row.offered.data()),
                            static_cast<unsigned>(row.offered.size()));
    client.start();
    TlsSession server(server_, world_.pool);
    client.exchange(server);
    EXPECT_EQ(server.established(), row.agreed) << row.rule;
    if (!row.agreed) {
      EXPECT_EQ(server.failure(), "no common application protocol (we speak http/1.1)");
    }
  }
}

TEST_F(Negotiation, AServerWithoutAlpnSpeaksHttp11) {
  RawPeer server(true);
  start_raw_server(server);
  TlsSession client(world_.client, kPeer, world_.pool);
  server.exchange(client);
  EXPECT_TRUE(client.established());
  EXPECT_EQ(client.alpn(), "");
}

TEST_F(Negotiation, SuitesWithoutForwardSecrecyOrAeadAreRefused) {
  for (const char* const suite : {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"}) {
    RawPeer client(false);
    SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
    ASSERT_EQ(SSL_CTX_set_strict_cipher_list(client.context(), suite), 1);
    client.start();
    TlsSession server(server_, world_.pool);
    client.exchange(server);
    EXPECT_EQ(server.failure(), "no common cipher suite") << suite;
  }
}

TEST_F(Negotiation, SniIsSentForNamesAndNotForAddresses) {
  for (const auto& [host, sent] : {std::pair{"API.Example.com.", "api.example.com"},
                                   std::pair{"127.0.0.1", ""}, std::pair{"[::1]", ""}}) {
    RawPeer server(true);
    start_raw_server(server);
    TlsSession client(world_.client, {.host = host, .port = 443}, world_.pool);
    server.exchange(client);
    const char* const seen = SSL_get_servername(server.ssl(), TLSEXT_NAMETYPE_host_name);
    EXPECT_STREQ(seen == nullptr ? "" : seen, sent) << host;
  }
}

TEST_F(Negotiation, AHostThatIsNoNameFailsAtOnce) {
  const std::string too_long(300, 'a');
  for (const std::string& host : {std::string(), too_long}) {
    TlsSession client(world_.client, {.host = host, .port = 443}, world_.pool);
    EXPECT_EQ(client.handshake(), TlsStatus::kFailed);
    EXPECT_EQ(client.failure(), "\"" + host + "\" is neither a host name nor an address");
  }
}

TEST_F(Negotiation, KeyUpdatesArePassedOverAndAnswered) {
  RawPeer client(false);
  client.start();
  TlsSession server(server_, world_.pool);
  client.exchange(server);
  ASSERT_TRUE(server.established());
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_EQ(SSL_write(client.ssl(), "new key", 7), 7);
    EXPECT_EQ(client.exchange(server), "new key") << round;
    ASSERT_TRUE(server.write("ours too").has_value());
    client.exchange(server);
    EXPECT_EQ(client.plaintext, "ours too") << round;
    client.plaintext.clear();
  }
}

TEST_F(Negotiation, RenegotiationIsRefused) {
  RawPeer client(false);
  SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
  client.start();
  TlsSession server(server_, world_.pool);
  client.exchange(server);
  ASSERT_TRUE(server.established());
  // The library has no call for it; a HelloRequest sent as data is data, so the bytes stay clear.
  server.set_input(std::string_view("\x16\x03\x03\x00\x04\x00\x00\x00\x00", 9));
  char out[16];
  EXPECT_EQ(server.read(out).state, TlsReadState::kFailed);
}

}  // namespace
}  // namespace sluice
