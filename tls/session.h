#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>

#include "base/block_pool.h"
#include "base/result.h"
#include "tls/context.h"
#include "tls/failure_text.h"
#include "tls/output_chain.h"
#include "tls/session_cache.h"

struct ssl_st;

namespace sluice {

// TlsPeer - whom an upstream connection must reach. Read during construction only.
struct TlsPeer {
  std::string_view host;  // a DNS name or an address ("10.0.0.1", "::1", "[::1]")
  std::uint16_t port;
  const TrustStore* trust = nullptr;  // null: the context's
};

enum class TlsStatus : std::uint8_t { kDone, kWantInput, kFailed };

enum class TlsReadState : std::uint8_t {
  kMore,       // `out` is full, or the end came behind these bytes: read again before receiving
  kWantInput,  // everything was decrypted and the input is used up: receive
  kClosed,     // close_notify: the peer has said all it had to say. No bytes
  kTruncated,  // the transport ended without close_notify (HTTP_RULES C6). No bytes
  kFailed,     // a record that does not decrypt, an alert, ...: see error(). No bytes
};

struct TlsRead {
  std::size_t bytes;
  TlsReadState state;
};

// TlsSession - one TLS connection as a pure engine: ciphertext in and out by memory, no socket.
//
//   received -> set_input -> handshake / read -> plaintext
//   plaintext -> write -> output -> send -> consume_output
//
// After every call that returns, send what output() holds, also after a failure: it may be the
// alert that tells the peer why.
//
// Owns      the connection's state and the ciphertext that waits to be sent.
// Affinity  the shard of its pool and of its ClientTlsContext.
// Lifetime  the connection. Not after its ClientTlsContext and its pool. A ServerTlsContext may go
//           first (reload). Does not move: the library points back here.
// Size      an idle session costs below 4 KiB, this object, the library's share and malloc's
//           overhead included, and no block of the pool besides the one that make() puts it into.
// Limits    the output grows with what is written; who writes much does it in steps (bytes_max) and
//           drains in between.
class TlsSession {
 public:
  static constexpr std::size_t kWriteBytesSuggested = 64u << 10;

  // An upstream's connection; the handshake checks that it is `peer`.
  TlsSession(ClientTlsContext& context, const TlsPeer& peer, BlockPool& pool);
  // A downstream's connection.
  TlsSession(const ServerTlsContext& context, BlockPool& pool);
  ~TlsSession();

  // The same in a block of the pool, so that a connection costs no malloc of ours.
  struct GiveBack {
    void operator()(TlsSession* session) const noexcept;
  };
  using Owner = std::unique_ptr<TlsSession, GiveBack>;
  [[nodiscard]] static Owner make(ClientTlsContext& context, const TlsPeer& peer, BlockPool& pool);
  [[nodiscard]] static Owner make(const ServerTlsContext& context, BlockPool& pool);

  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Does as much of the handshake as the input allows. kDone once and for ever after. The input may
  // go on behind the handshake: read() finds it there.
  [[nodiscard]] TlsStatus handshake();

  // The next received bytes. They must stay where they are until input_left() is 0, and only then
  // may the next be set. Bytes are left over by kDone and kMore alone: behind an end or a failure
  // they are dropped.
  void set_input(std::span<const char> ciphertext) noexcept;
  [[nodiscard]] std::size_t input_left() const noexcept { return input_.size(); }
  // Forgets what is left over: its owner keeps it elsewhere, and will set it again.
  void drop_input() noexcept { input_ = {}; }
  // The transport has ended: there will be no more input.
  void end_input() noexcept { input_ended_ = true; }

  // Decrypts into `out`. Bytes come with kMore or kWantInput only. Tickets and key updates are
  // handled on the way. A record whose plaintext does not fit keeps its rest in the library
  // (16 KiB): an `out` of 16 KiB avoids that.
  [[nodiscard]] TlsRead read(std::span<char> out);

  // Received bytes lie in the library: plaintext that no `out` had room for, or a part of a record.
  [[nodiscard]] bool has_unread() const noexcept;

  // Encrypts up to `bytes_max` bytes of the pieces, read as one text, from `offset` on; returns how
  // many it took. Small pieces share a record, whole 16 KiB are encrypted from where they lie.
  [[nodiscard]] Result<std::size_t> write(
      std::span<const std::string_view> pieces, std::size_t offset = 0,
      std::size_t bytes_max = std::numeric_limits<std::size_t>::max());
  [[nodiscard]] Result<std::size_t> write(std::string_view text) {
    return write(std::span<const std::string_view>(&text, 1));
  }
  // Says that nothing more will be written (RFC 8446, 6.1). Reading may go on. Nothing happens
  // before the handshake is done, after a failure, or the second time.
  void close_notify();
  // Drops what is encrypted and not sent: nothing more is written, a close_notify neither.
  void stop_writing() noexcept {
    output_.consume(output_.bytes());
    close_sent_ = true;
  }

  // Ciphertext to send. What output() and output_pieces() show stays in place until consumed, also
  // across write().
  [[nodiscard]] std::string_view output() const noexcept { return output_.front(); }
  [[nodiscard]] std::size_t output_pieces(std::span<std::string_view> out) const noexcept {
    return output_.pieces(out);
  }
  [[nodiscard]] std::size_t output_bytes() const noexcept { return output_.bytes(); }
  void consume_output(std::size_t bytes) noexcept { output_.consume(bytes); }

  [[nodiscard]] bool established() const noexcept { return established_; }
  // Whether an earlier session was resumed; the certificate was checked then.
  [[nodiscard]] bool resumed() const noexcept;
  // "TLSv1.3". Static storage.
  [[nodiscard]] std::string_view version() const noexcept;
  // "http/1.1", or empty when the peer does not know ALPN. Lives as long as the session.
  [[nodiscard]] std::string_view alpn() const noexcept;

  // After kFailed, kTruncated or a failed write: the fault, and a sentence on it such as
  // "certificate of api.example.com: certificate has expired". The sentence lives as long as the
  // session.
  [[nodiscard]] const Error& error() const noexcept { return error_; }
  [[nodiscard]] std::string_view failure() const noexcept { return failure_.view(); }

 private:
  friend struct TlsSessionHooks;
  class RecordWriter;

  void attach_transport();
  void fail_with(Errc code);
  void describe_failure(int ssl_error);
  TlsReadState read_stopped(int result);
  bool write_record_bytes(std::string_view text);

  ssl_st* ssl_;
  std::span<const char> input_;
  OutputChain output_;
  FailureText failure_;
  SessionCache* sessions_ = nullptr;  // null: the server's side
  SessionCache::Peer* peer_ = nullptr;
  Error error_;
  std::uint16_t peer_version_ = 0;  // offered or chosen by the peer, 0 when not seen
  bool established_ = false;
  bool failed_ = false;
  bool input_ended_ = false;
  bool close_sent_ = false;
  bool untrusted_ = false;
};

}  // namespace sluice
