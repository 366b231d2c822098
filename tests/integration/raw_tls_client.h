#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/block_pool.h"
#include "tests/integration/raw_client.h"
#include "tls/context.h"
#include "tls/session.h"

namespace sluice {

// RawTlsClient - a blocking TLS client for tests over a RawClient: our own engine, driven by hand.
//
// Owns      the connection, the context and the session.
// Affinity  one thread.
class RawTlsClient {
 public:
  // How the server's bytes ended.
  enum class End { kOpen, kCloseNotify, kTruncated, kReset, kFailed };

  // Connects to the address and shakes hands as a client of `host`; ready() tells whether it did.
  RawTlsClient(std::uint16_t port, const std::string& host, const std::string& ca_file);

  [[nodiscard]] bool ready() const noexcept { return ready_; }
  [[nodiscard]] std::string_view failure() const noexcept { return session_.failure(); }
  [[nodiscard]] TlsSession& session() noexcept { return session_; }
  [[nodiscard]] RawClient& transport() noexcept { return transport_; }

  bool send(std::string_view text);
  // The plaintext up to the end, or until `enough` bytes of it have come.
  [[nodiscard]] std::string read(std::size_t enough, RawClient::Timeout timeout = 60s);
  [[nodiscard]] std::string read_until_end(RawClient::Timeout timeout = 60s);
  [[nodiscard]] End end() const noexcept { return end_; }

 private:
  bool flush();
  // Receives once; false when nothing comes any more.
  bool feed(RawClient::Timeout timeout);

  RawClient transport_;
  BlockPool pool_;
  ClientTlsContext context_;
  TlsSession session_;
  std::string ciphertext_;  // what the session reads from
  End end_ = End::kOpen;
  bool ready_ = false;
};

}  // namespace sluice
