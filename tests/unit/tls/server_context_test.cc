#include <gtest/gtest.h>

#include <atomic>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/tls/session_pair.h"
#include "tls/server_names.h"

namespace sluice {
namespace {

class ServerContext : public ::testing::Test {
 protected:
  // The first DNS name of the certificate that `server` shows to who asks for `host`, found by
  // trusting exactly one certificate after the other.
  std::size_t identity_for(const ServerTlsContext& server, std::string_view host,
                           const std::vector<TrustStore>& anchors) {
    for (std::size_t i = 0; i < anchors.size(); ++i) {
      SessionPair pair(world_.client, {.host = host, .port = 443, .trust = &anchors[i]}, server,
                       world_.pool);
      static_cast<void>(pair.handshake());
      // A wrong name is told only once the chain is good, so it counts as found.
      if (pair.client.failure().find("authority") == std::string_view::npos) return i;
    }
    return anchors.size();
  }

  std::string error_of(const std::string& certificate_file, const std::string& key_file) {
    const CertificateFiles pairs[] = {{certificate_file, key_file}};
    const auto made = ServerTlsContext::create(pairs);
    return made.has_value() ? "" : made.error();
  }

  TlsWorld world_;
};

struct SniRow {
  const char* rule;
  std::string_view host;
  std::size_t identity;
};

constexpr SniRow kSniRows[] = {
    {"an exact name", "one.example.com", 0},
    {"an exact name of a later pair", "two.example.com", 1},
    {"the second name of a pair", "deux.example.com", 1},
    {"an exact name before a wildcard", "exact.wild.example", 3},
    {"a wildcard", "any.wild.example", 2},
    {"upper case", "ANY.Wild.Example", 2},
    {"a wildcard is one label", "a.b.wild.example", 0},
    {"a wildcard is not its own domain", "wild.example", 0},
    {"an unknown name gets the default", "unknown.example", 0},
    {"an address gets the default", "127.0.0.1", 0},
};

TEST_F(ServerContext, TheCertificateIsChosenByName) {
  const std::vector<std::vector<std::string>> names = {{"one.example.com"},
                                                       {"two.example.com", "deux.example.com"},
                                                       {"*.wild.example"},
                                                       {"exact.wild.example"}};
  std::vector<CertificateFiles> pairs;
  std::vector<TrustStore> anchors;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const TestAuthority authority("authority " + std::to_string(i));
    const std::string name = "pair" + std::to_string(i);
    pairs.push_back(world_.files(name, authority.issue({.dns_names = names[i]})));
    anchors.push_back(world_.trust_in(name + "-ca.pem", authority.certificate_pem()));
  }
  const ServerTlsContext server = world_.server(pairs);
  for (const SniRow& row : kSniRows) {
    EXPECT_EQ(identity_for(server, row.host, anchors), row.identity) << row.rule;
  }
  ASSERT_EQ(server.certificates().size(), 4u);
  EXPECT_EQ(server.certificates()[1].names, names[1]);
  EXPECT_EQ(server.certificates()[1].certificate_file, pairs[1].certificate_file);
}

TEST_F(ServerContext, TheEndOfACertificateIsKnown) {
  const std::int64_t now = std::time(nullptr);
  const ServerTlsContext server =
      world_.server(world_.authority.issue({.dns_names = {"a.example"}, .not_after_s = 3600}));
  EXPECT_NEAR(static_cast<double>(server.certificates()[0].not_after_unix_s),
              static_cast<double>(now + 3600), 5);
}

TEST_F(ServerContext, SessionsOutliveTheContextThatMadeThem) {
  auto old_context = std::make_unique<ServerTlsContext>(
      world_.server(world_.authority.issue({.dns_names = {"api.example.com"}})));
  SessionPair waiting(world_.client, {.host = "api.example.com", .port = 443}, *old_context,
                      world_.pool);
  SessionPair open(world_.client, {.host = "api.example.com", .port = 443}, *old_context,
                   world_.pool);
  ASSERT_TRUE(open.handshake());
  *old_context = world_.server(world_.authority.issue({.dns_names = {"new.example.com"}}));
  EXPECT_EQ(open.say("still here"), "still here");
  EXPECT_TRUE(waiting.handshake()) << waiting.client.failure();
  SessionPair fresh(world_.client, {.host = "new.example.com", .port = 443}, *old_context,
                    world_.pool);
  EXPECT_TRUE(fresh.handshake()) << fresh.client.failure();
}

TEST_F(ServerContext, FilesThatDoNotServeAreNamedWithReasonAndRemedy) {
  const PemPair one = world_.authority.issue({.dns_names = {"a.example"}});
  const PemPair two = world_.authority.issue({.dns_names = {"b.example"}});
  const TestAuthority intermediate("an intermediate", &world_.authority);
  const PemPair chained = intermediate.issue({.dns_names = {"c.example"}});
  const TestDirectory& directory = world_.directory;
  const std::string certificate = directory.write("one.pem", one.certificate);
  const std::string key = directory.write("one.key", one.key);
  const std::string other_key = directory.write("two.key", two.key);
  const std::string missing = directory.path_of("missing.pem");
  const std::string empty = directory.write("empty.pem", "");
  const std::string damaged = directory.write(
      "damaged.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const std::string encrypted = directory.write("encrypted.key", encrypted_key(one, "secret"));
  const std::string turned =
      directory.write("turned.pem", intermediate.certificate_pem() + chained.certificate);
  const std::string turned_key = directory.write("turned.key", chained.key);

  EXPECT_EQ(error_of(certificate, key), "");
  EXPECT_EQ(error_of(missing, key), missing + ": cannot be opened: No such file or directory");
  EXPECT_EQ(error_of(certificate, missing),
            missing + ": cannot be opened: No such file or directory");
  EXPECT_EQ(error_of(empty, key),
            empty +
                ": no certificate in the file; it must hold PEM text with a line "
                "\"-----BEGIN CERTIFICATE-----\", the server's own certificate first");
  EXPECT_EQ(error_of(damaged, key), damaged +
                                        ": certificate number 1 in the file is damaged; "
                                        "copy the PEM file again");
  EXPECT_EQ(error_of(certificate, empty),
            empty +
                ": no usable private key in the file; it must hold PEM text with a line "
                "\"-----BEGIN PRIVATE KEY-----\" (RSA, ECDSA or Ed25519)");
  EXPECT_EQ(error_of(certificate, encrypted),
            encrypted +
                ": the private key is encrypted; store it without a pass phrase (openssl "
                "pkey -in old.pem -out new.pem) and protect the file by its mode, 0600");
  EXPECT_EQ(error_of(certificate, other_key),
            other_key + ": the private key does not belong to the certificate in " + certificate +
                "; name the two files of one pair");
  EXPECT_EQ(error_of(turned, turned_key),
            turned + ": the certificate of key " + turned_key +
                " is number 2 in the file; move it to the front, the issuers follow it");
}

TEST_F(ServerContext, AKeyAndItsCertificateMayLieInOneFile) {
  const PemPair pair = world_.authority.issue({.dns_names = {"a.example"}});
  const std::string both = world_.directory.write("both.pem", pair.key + pair.certificate);
  EXPECT_EQ(error_of(both, both), "");
}

TEST_F(ServerContext, NoCertificateAtAllIsRefused) {
  const auto made = ServerTlsContext::create({});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error(), "TLS needs a certificate_file and a key_file, and none are named");
}

// Shards share the server's context and the trust store; each has a client context and a pool.
TEST_F(ServerContext, IsSharedByThreads) {
  const ServerTlsContext server =
      world_.server(world_.authority.issue({.dns_names = {"*.example.com"}}));
  std::atomic<int> answered = 0;
  std::vector<std::thread> shards;
  for (int shard = 0; shard < 4; ++shard) {
    shards.emplace_back([&server, &answered, trust = world_.client.trust(), shard] {
      BlockPool pool;
      auto client = ClientTlsContext::create(trust);
      const std::string host = "host" + std::to_string(shard % 2) + ".example.com";
      for (int i = 0; i < 50; ++i) {
        const ServerTlsContext own = server;
        SessionPair pair(*client, {.host = host, .port = 443}, own, pool);
        if (pair.handshake() && pair.answer("hello") == "hello" &&
            pair.client.resumed() == (i > 0)) {
          ++answered;
        }
      }
    });
  }
  for (std::thread& shard : shards) shard.join();
  EXPECT_EQ(answered, 4 * 50);
}

TEST(ServerNamesFind, NamesThatNoHostHas) {
  ServerNames names;
  names.add(nullptr, {.certificate_file = "a", .names = {"a.example"}, .not_after_unix_s = 0});
  names.add(nullptr, {.certificate_file = "b", .names = {"*.b.example"}, .not_after_unix_s = 0});
  names.sort();
  EXPECT_EQ(names.find("x.b.example"), 1u);
  EXPECT_EQ(names.find("x.b.example."), 1u);
  EXPECT_EQ(names.find(std::string(246, 'x') + ".b.example"), 0u);
  for (const std::string_view name : {"", ".", "..", "*.b.example", ".b.example", "b.example"}) {
    EXPECT_EQ(names.find(name), 0u) << name;
  }
}

}  // namespace
}  // namespace sluice
