// Whom a client trusts, and what it says when it does not.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/tls/session_pair.h"

namespace sluice {
namespace {

class Verification : public ::testing::Test {
 protected:
  // The failure of a handshake with `host` served by `pair`; empty when it succeeds.
  std::string failure(const PemPair& pair, std::string_view host) {
    const ServerTlsContext server = world_.server(pair);
    SessionPair sessions(world_.client, {.host = host, .port = 443}, server, world_.pool);
    if (sessions.handshake()) return "";
    EXPECT_EQ(sessions.client.error().code, Errc::kTlsUntrusted);
    EXPECT_EQ(sessions.client.error().side, Side::kUpstream);
    EXPECT_EQ(sessions.client.error().retry, Retry::kSafe);
    server_failure_ = sessions.server.failure();
    return std::string(sessions.client.failure());
  }
  std::string failure(const LeafSpec& leaf, std::string_view host) {
    return failure(world_.authority.issue(leaf), host);
  }

  TlsWorld world_;
  std::string server_failure_;
};

struct NameRow {
  const char* rule;
  LeafSpec leaf;
  std::string_view host;
  std::string_view mismatch;  // empty: trusted
};

const NameRow kNameRows[] = {
    {"the name itself", {.dns_names = {"api.example.com"}}, "api.example.com", ""},
    {"any of several names", {.dns_names = {"a.example", "b.example"}}, "b.example", ""},
    {"case does not matter", {.dns_names = {"API.example.COM"}}, "api.EXAMPLE.com", ""},
    {"a final dot does not matter", {.dns_names = {"api.example.com"}}, "api.example.com.", ""},
    {"a wildcard stands for one label", {.dns_names = {"*.example.com"}}, "api.example.com", ""},
    {"an IPv4 address", {.addresses = {"127.0.0.1"}}, "127.0.0.1", ""},
    {"an IPv6 address", {.addresses = {"::1"}}, "::1", ""},
    {"an IPv6 address in brackets", {.addresses = {"::1"}}, "[::1]", ""},
    {"an RSA certificate", {.dns_names = {"api.example.com"}, .rsa = true}, "api.example.com", ""},
    {"another name",
     {.dns_names = {"a.example", "b.example"}},
     "api.example.com",
     "hostname mismatch: certificate is for a.example, b.example"},
    {"a wildcard is not for two labels",
     {.dns_names = {"*.example.com"}},
     "a.b.example.com",
     "hostname mismatch: certificate is for *.example.com"},
    {"a wildcard is not for its own domain",
     {.dns_names = {"*.example.com"}},
     "example.com",
     "hostname mismatch: certificate is for *.example.com"},
    {"a wildcard is not part of a label",
     {.dns_names = {"a*.example.com"}},
     "api.example.com",
     "hostname mismatch: certificate is for a*.example.com"},
    {"a common name does not count",
     {.common_name = "api.example.com"},
     "api.example.com",
     "hostname mismatch: certificate is for no name at all (its common name does not count, RFC "
     "9525)"},
    {"many names are cut",
     {.dns_names = {"a.x", "b.x", "c.x", "d.x", "e.x", "f.x", "g.x"}},
     "api.example.com",
     "hostname mismatch: certificate is for a.x, b.x, c.x, d.x, e.x and 2 more"},
    {"another address",
     {.dns_names = {"a.example"}, .addresses = {"10.0.0.1", "::1"}},
     "127.0.0.1",
     "IP address mismatch: certificate is for a.example, 10.0.0.1, ::1"},
    {"an address is not a DNS name",
     {.dns_names = {"127.0.0.1"}},
     "127.0.0.1",
     "IP address mismatch: certificate is for 127.0.0.1"},
};

TEST_F(Verification, Names) {
  for (const NameRow& row : kNameRows) {
    const PeerName name = peer_name_of(row.host);
    const std::string expected =
        row.mismatch.empty() ? ""
                             : "certificate of " + name.text + ": " + std::string(row.mismatch);
    EXPECT_EQ(failure(row.leaf, row.host), expected) << row.rule;
  }
}

TEST_F(Verification, AnExpiredCertificateIsRefused) {
  EXPECT_EQ(failure({.dns_names = {"api.example.com"}, .not_before_s = -7200, .not_after_s = -60},
                    "api.example.com"),
            "certificate of api.example.com: certificate has expired");
  EXPECT_EQ(server_failure_,
            "the peer says that our certificate has expired (alert: certificate expired)");
}

TEST_F(Verification, ACertificateOfTheFutureIsRefused) {
  EXPECT_EQ(failure({.dns_names = {"api.example.com"}, .not_before_s = 3600}, "api.example.com"),
            "certificate of api.example.com: certificate is not yet valid");
}

TEST_F(Verification, ASelfSignedCertificateIsRefused) {
  EXPECT_EQ(failure(self_signed({.dns_names = {"api.example.com"}}), "api.example.com"),
            "certificate of api.example.com: self-signed certificate (to trust it, name it in "
            "ca_file)");
}

TEST_F(Verification, AnUnknownAuthorityIsRefusedByName) {
  const TestAuthority stranger("a stranger");
  EXPECT_EQ(failure(stranger.issue({.dns_names = {"api.example.com"}}), "api.example.com"),
            "certificate of api.example.com: issued by an authority that is not trusted: "
            "/CN=a stranger (a private authority is named in ca_file; or the server does not send "
            "its intermediate certificate)");
  EXPECT_EQ(server_failure_, "the peer does not trust our certificate (alert: unknown CA)");
}

TEST_F(Verification, ACertificateForClientsIsRefused) {
  EXPECT_EQ(failure({.dns_names = {"api.example.com"}, .for_servers = false}, "api.example.com"),
            "certificate of api.example.com: unsupported certificate purpose");
}

TEST_F(Verification, AnAuthorityOfTheSameNameIsNotTheSame) {
  const TestAuthority impostor("test authority");
  EXPECT_NE(failure(impostor.issue({.dns_names = {"api.example.com"}}), "api.example.com"), "");
}

TEST_F(Verification, AnIntermediateAuthorityIsFollowed) {
  const TestAuthority intermediate("an intermediate", &world_.authority);
  PemPair pair = intermediate.issue({.dns_names = {"api.example.com"}});
  EXPECT_EQ(failure(pair, "api.example.com"), "");
  pair.certificate.resize(pair.certificate.find("-----BEGIN", 10));
  EXPECT_NE(failure(pair, "api.example.com").find("/CN=an intermediate"), std::string::npos);
}

TEST_F(Verification, AServersOwnCertificateIsAnAnchor) {
  const PemPair own = self_signed({.dns_names = {"api.example.com"}});
  const TrustStore trust = world_.trust_in("own.pem", own.certificate);
  const ServerTlsContext server = world_.server(own);
  SessionPair pair(world_.client, {.host = "api.example.com", .port = 443, .trust = &trust}, server,
                   world_.pool);
  EXPECT_TRUE(pair.handshake()) << pair.client.failure();
}

TEST_F(Verification, ALeafIssuedByAnAuthorityIsAnAnchorToo) {
  const TestAuthority stranger("a stranger");
  const PemPair pinned = stranger.issue({.dns_names = {"api.example.com"}});
  const TrustStore trust = world_.trust_in("pinned.pem", pinned.certificate);
  const ServerTlsContext server = world_.server(pinned);
  SessionPair pair(world_.client, {.host = "api.example.com", .port = 443, .trust = &trust}, server,
                   world_.pool);
  EXPECT_TRUE(pair.handshake()) << pair.client.failure();
}

TEST_F(Verification, TheTrustOfOnePeerIsNotTheTrustOfAnother) {
  const TestAuthority other("another authority");
  const TrustStore trust = world_.trust_in("other.pem", other.certificate_pem());
  const ServerTlsContext server =
      world_.server(world_.authority.issue({.dns_names = {"api.example.com"}}));
  SessionPair trusted(world_.client, {.host = "api.example.com", .port = 443}, server, world_.pool);
  EXPECT_TRUE(trusted.handshake());
  trusted.answer("the tickets come with this");
  // The session that could be resumed was proven under another store.
  SessionPair refused(world_.client, {.host = "api.example.com", .port = 443, .trust = &trust},
                      server, world_.pool);
  EXPECT_FALSE(refused.handshake());
  EXPECT_EQ(refused.client.error().code, Errc::kTlsUntrusted);
}

TEST_F(Verification, AStrangersWordsAreMadeHarmless) {
  const TestAuthority stranger("evil\n2026 forged line\x1b[31m");
  const std::string text =
      failure(stranger.issue({.dns_names = {"api.example.com"}}), "api.example.com");
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace sluice
