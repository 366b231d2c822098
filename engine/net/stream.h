#pragma once

#include <string>
#include <string_view>

#include "engine/io/recv_stream.h"
#include "engine/net/outbox.h"
#include "engine/shard.h"
#include "engine/task/task.h"
#include "tls/session.h"

namespace sluice {

// Stream - a connected socket, plain or under TLS, as bytes in and bytes out.
//
// Owns      the descriptor, the receive stream, the TLS session.
// Affinity  one shard. One reader and one writer at a time, never both at once under TLS.
// Lifetime  co_await close_stream() before it dies (INVARIANTS C2).
class Stream {
 public:
  Stream(Shard& shard, int fd, Side side, RecvMode mode = RecvMode::kMultishot) noexcept
      : recv_(shard, side, mode) {
    recv_.start(fd);
  }
  ~Stream() { SL_ASSERT(fd() < 0); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void use_tls(TlsSession::Owner session) noexcept { tls_ = std::move(session); }
  [[nodiscard]] TlsSession* tls() noexcept { return tls_.get(); }

  [[nodiscard]] int fd() const noexcept { return recv_.fd(); }
  [[nodiscard]] Side side() const noexcept { return recv_.side(); }
  [[nodiscard]] RecvStream& recv() noexcept { return recv_; }

  // Bytes lie ready. Under TLS this may be a record without plaintext, or a part of one.
  [[nodiscard]] bool has_unread() const noexcept {
    return !unread_.empty() || recv_.unread_bytes() > 0 || (tls_ != nullptr && tls_->has_unread());
  }
  // Bytes, the end or an error of the transport lie ready.
  [[nodiscard]] bool readable() const noexcept { return has_unread() || recv_.ended(); }
  // The peer has closed or reset the connection.
  [[nodiscard]] bool ended() const noexcept { return recv_.ended(); }

  // What read_some() would give without a wait and without decrypting; empty when that is nothing.
  [[nodiscard]] Slice take_received() noexcept {
    if (!unread_.empty()) return std::move(unread_);
    return tls_ == nullptr ? recv_.take() : Slice{};
  }

  // Copies the first unread bytes (under TLS: of the plaintext) to `out` without taking them; how
  // many lie there. Neither waits nor sends.
  [[nodiscard]] std::size_t peek(BlockPool& pool, std::span<char> out);

  // Nothing more will be written: under TLS drops what is encrypted and not sent, so that reading
  // goes on past a peer that takes nothing.
  void stop_writing() noexcept {
    if (tls_ != nullptr) tls_->stop_writing();
  }

  // Gives back bytes that read_some() returned and that belong to the next reader. They may wait as
  // long as they like: none of the ring's memory waits with them (B1).
  void put_back(Slice slice) noexcept {
    if (slice.empty()) return;
    SL_ASSERT(unread_.empty());
    if (slice.scarce()) recv_.put_back(std::move(slice));
    else unread_ = std::move(slice);
  }

 private:
  friend Task<Result<Slice>> read_some(Shard&, Stream&, Limits);
  friend Task<Result<Slice>> read_record(Shard&, Stream&, Limits);
  friend Task<void> close_stream(Shard&, Stream&);
  friend Task<int> release_stream(Shard&, Stream&, std::string&);
  friend Task<Result<void>> feed_tls(Shard&, Stream&, Slice&, Limits);
  friend Task<Result<void>> tls_handshake(Shard&, Stream&, Limits);

  // Gives back what the session has not read of its input: between two reads no ciphertext stays
  // outside of the receive stream, where the ring's memory could not be got back (B1).
  void release(Slice& ciphertext) noexcept;
  [[nodiscard]] bool decrypt_received(BlockPool& pool);

  RecvStream recv_;
  TlsSession::Owner tls_;
  Slice unread_;  // put back, and not in the ring
};

// How long one write may make no progress, and who may call it off.
struct WriteLimits {
  Duration stall = 60s;
  Instant deadline = kNever;
  CancelSource* cancel = nullptr;
};

// Does the TLS handshake as the side that the session was made for. Errors: kTlsUntrusted,
// kTlsHandshakeFailed and those of the transport; stream.tls()->failure() has the sentence.
Task<Result<void>> tls_handshake(Shard& shard, Stream& stream, Limits limits);

// The next plaintext; an empty slice is the end of the stream. Under TLS an end without
// close_notify is kTlsBroken (HTTP_RULES C6).
Task<Result<Slice>> read_some(Shard& shard, Stream& stream, Limits limits);

// Sends all of `outbox`, in order. Slices of the ring that a slow reader does not take are copied
// out after kRingPatience (B1). After an error the outbox holds what was not sent; under TLS, what
// was not encrypted: the session keeps the rest.
Task<Result<void>> write_all(Shard& shard, Stream& stream, Outbox& outbox, WriteLimits limits);

// Says goodbye (TLS close_notify, as far as the socket takes it at once), stops everything and
// closes the descriptor.
Task<void> close_stream(Shard& shard, Stream& stream);

// Gives the descriptor of a plain stream away: appends what was received and not read to `unread`.
// The stream is closed then, the connection is not.
Task<int> release_stream(Shard& shard, Stream& stream, std::string& unread);

// Ends a connection on which the client may still be sending, so that it sees its answer and no
// reset, which would take back what has not left yet (RFC 9112 section 9.6): half-close, then read
// and discard what comes, until there is silence for 2 s, or for `most`, or up to 64 MiB
// (HTTP_RULES B7): many clients send all of a prompt before they read. close_stream() must still
// follow.
Task<void> linger(Shard& shard, Stream& stream, CancelSource* cancel, Duration most = 10s);

}  // namespace sluice
