#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/test_directory.h"
#include "tests/unit/tls/test_certificates.h"
#include "tls/context.h"
#include "tls/session.h"

namespace sluice {

// Moves what `from` wants to send into `inbox`.
inline void collect(TlsSession& from, std::string& inbox) {
  while (!from.output().empty()) {
    inbox.append(from.output());
    from.consume_output(from.output().size());
  }
}

// Gives `to` all of `inbox`, at most `step` bytes at a time, each from memory of its own that is
// gone afterwards, and handshakes. What read() gets is appended to `plaintext`.
struct Delivery {
  TlsStatus status = TlsStatus::kWantInput;
  TlsReadState read = TlsReadState::kWantInput;
};
inline Delivery deliver(TlsSession& to, std::string& inbox, std::string& plaintext,
                        std::size_t step = std::numeric_limits<std::size_t>::max()) {
  Delivery got;
  std::vector<char> out(16384);
  std::size_t at = 0;
  while (at < inbox.size()) {
    const std::size_t count = std::min(step, inbox.size() - at);
    const std::vector<char> slice(inbox.begin() + static_cast<std::ptrdiff_t>(at),
                                  inbox.begin() + static_cast<std::ptrdiff_t>(at + count));
    at += count;
    to.set_input(slice);
    got.status = to.handshake();
    if (got.status == TlsStatus::kFailed) return got;
    while (got.status == TlsStatus::kDone) {
      const TlsRead read = to.read(out);
      plaintext.append(out.data(), read.bytes);
      got.read = read.state;
      if (read.state != TlsReadState::kMore) break;
    }
    if (got.read != TlsReadState::kWantInput) break;
    EXPECT_EQ(to.input_left(), 0u);
  }
  inbox.clear();
  return got;
}

// SessionPair - two sessions and the wire between them.
struct SessionPair {
  SessionPair(ClientTlsContext& client_context, const TlsPeer& peer,
              const ServerTlsContext& server_context, BlockPool& pool)
      : client(client_context, peer, pool), server(server_context, pool) {}

  // True when both sides are done.
  bool handshake(std::size_t step = std::numeric_limits<std::size_t>::max()) {
    TlsStatus client_status = client.handshake();
    TlsStatus server_status = server.handshake();
    for (int turn = 0; turn < 10; ++turn) {
      collect(client, to_server);
      if (!to_server.empty()) server_status = deliver(server, to_server, at_server, step).status;
      collect(server, to_client);
      if (!to_client.empty()) client_status = deliver(client, to_client, at_client, step).status;
      if (client.output_bytes() == 0 && server.output_bytes() == 0) break;
    }
    return client_status == TlsStatus::kDone && server_status == TlsStatus::kDone;
  }

  // Sends text from the client and returns what the server reads, and the reverse.
  std::string say(std::string_view text) {
    EXPECT_TRUE(client.write(text).has_value()) << client.failure();
    return flush_to_server();
  }
  std::string answer(std::string_view text) {
    EXPECT_TRUE(server.write(text).has_value()) << server.failure();
    return flush_to_client();
  }
  std::string flush_to_server() {
    collect(client, to_server);
    at_server.clear();
    server_read = deliver(server, to_server, at_server).read;
    return at_server;
  }
  std::string flush_to_client() {
    collect(server, to_client);
    at_client.clear();
    client_read = deliver(client, to_client, at_client).read;
    return at_client;
  }

  TlsSession client;
  TlsSession server;
  std::string to_server, to_client;
  std::string at_server, at_client;
  TlsReadState server_read = TlsReadState::kWantInput;
  TlsReadState client_read = TlsReadState::kWantInput;
};

// TlsWorld - an authority, a client that trusts it, and files to build servers from.
struct TlsWorld {
  TlsWorld() : client(make_client()) {}

  TrustStore trust_in(std::string_view name, const std::string& pem) {
    auto trust = TrustStore::from_file(directory.write(name, pem));
    EXPECT_TRUE(trust.has_value()) << trust.error();
    return *std::move(trust);
  }
  ClientTlsContext make_client() {
    auto made = ClientTlsContext::create(trust_in("ca.pem", authority.certificate_pem()));
    EXPECT_TRUE(made.has_value()) << made.error();
    return *std::move(made);
  }
  CertificateFiles files(std::string_view name, const PemPair& pair) {
    return {.certificate_file = directory.write(std::string(name) + ".pem", pair.certificate),
            .key_file = directory.write(std::string(name) + ".key", pair.key)};
  }
  ServerTlsContext server(const PemPair& pair) {
    const CertificateFiles one[] = {files("server", pair)};
    return server(std::span<const CertificateFiles>(one));
  }
  ServerTlsContext server(std::span<const CertificateFiles> pairs) {
    auto made = ServerTlsContext::create(pairs);
    EXPECT_TRUE(made.has_value()) << made.error();
    return *std::move(made);
  }

  TestDirectory directory;
  TestAuthority authority{"test authority"};
  BlockPool pool;
  ClientTlsContext client;
};

}  // namespace sluice
