#include "engine/net/stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "engine/io/operations.h"
#include "engine/io/pool_block.h"

namespace sluice {
namespace {

// How long slices of the ring may wait for a reader before they are copied out of it.
constexpr Duration kRingPatience = 5ms;
// A block for decrypted bytes: one whole TLS record of 16 KiB and the start of the next.
constexpr std::size_t kPlaintextBytes = 32 * 1024 - 64;

Error tls_error(const TlsSession& tls, Side side) {
  Error error = tls.error();
  error.side = side;
  return error;
}

// How long one send may last: the shorter of "no progress for limits.stall" and the deadline, and
// while slices of the ring wait in `outbox` no longer than they may.
Limits send_limits(const Shard& shard, const WriteLimits& limits, const Outbox* outbox) {
  Instant end = std::min(limits.deadline, shard.now() + limits.stall);
  if (outbox != nullptr && outbox->scarce()) end = std::min(end, shard.now() + kRingPatience);
  return Limits{.deadline = end, .cancel = limits.cancel};
}

// What to do after a send that those limits may have cut short: go on, or fail. The slices that
// waited too long leave the ring.
Result<void> after_send(Shard& shard, const WriteLimits& limits, Outbox* outbox,
                        const SendResult& sent) {
  if (sent.error.code == Errc::kOk) return {};
  if (sent.error.code != Errc::kTimedOut || shard.now() >= limits.deadline) return fail(sent.error);
  if (outbox != nullptr && outbox->scarce()) {
    outbox->copy_out();
    return {};
  }
  if (sent.bytes == 0) return fail(sent.error);
  return {};
}

// Sends what the TLS session has encrypted. `waiting`, which may be null, comes behind it.
Task<Result<void>> flush_tls(Shard& shard, Stream& stream, WriteLimits limits,
                             Outbox* waiting = nullptr) {
  TlsSession& tls = *stream.tls();
  while (tls.output_bytes() > 0) {
    std::string_view texts[Send::kPiecesMax];
    iovec pieces[Send::kPiecesMax];
    const std::size_t count = tls.output_pieces(texts);
    for (std::size_t i = 0; i < count; ++i) {
      pieces[i] = iovec{const_cast<char*>(texts[i].data()), texts[i].size()};
    }
    const Limits until = send_limits(shard, limits, waiting);
    const SendResult sent =
        co_await Send(shard, stream.fd(), std::span(pieces, count), until, stream.side());
    tls.consume_output(sent.bytes);
    const Result<void> going_on = after_send(shard, limits, waiting, sent);
    if (!going_on) co_return going_on;
  }
  co_return Result<void>();
}

Task<Result<void>> write_plain(Shard& shard, Stream& stream, Outbox& outbox, WriteLimits limits) {
  while (!outbox.empty()) {
    const Limits until = send_limits(shard, limits, &outbox);
    const SendResult sent =
        co_await Send(shard, stream.fd(), outbox.pieces(), until, stream.side());
    outbox.consume(sent.bytes);
    const Result<void> going_on = after_send(shard, limits, &outbox, sent);
    if (!going_on) co_return going_on;
  }
  co_return Result<void>();
}

// Encrypts a send's worth of `outbox`. What is encrypted is a copy: the ring has its bytes back.
Result<void> encrypt_some(Stream& stream, Outbox& outbox) {
  TlsSession& tls = *stream.tls();
  std::string_view texts[Outbox::kPiecesMax];
  std::size_t count = 0;
  for (const iovec& piece : outbox.pieces()) {
    texts[count++] = std::string_view(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  const Result<std::size_t> taken =
      tls.write(std::span(texts, count), 0, TlsSession::kWriteBytesSuggested);
  if (!taken) return fail(tls_error(tls, stream.side()));
  outbox.consume(*taken);
  return {};
}

Task<Result<void>> write_tls(Shard& shard, Stream& stream, Outbox& outbox, WriteLimits limits) {
  TlsSession& tls = *stream.tls();
  // What an earlier write had encrypted when it was called off goes first.
  while (!outbox.empty() || tls.output_bytes() > 0) {
    if (tls.output_bytes() == 0) {
      const Result<void> encrypted = encrypt_some(stream, outbox);
      if (!encrypted) co_return encrypted;
    }
    const Result<void> flushed = co_await flush_tls(shard, stream, limits, &outbox);
    if (!flushed) co_return flushed;
  }
  co_return Result<void>();
}

}  // namespace

void Stream::release(Slice& ciphertext) noexcept {
  ciphertext.drop_front(ciphertext.size() - tls_->input_left());
  tls_->drop_input();
  recv_.put_back(std::move(ciphertext));
}

// Decrypts the next received slice behind what is decrypted and unread. False when none is there,
// none fits, or the session has ended: read_some() will tell how.
bool Stream::decrypt_received(BlockPool& pool) {
  if (unread_.size() > kPlaintextBytes / 2 || recv_.unread_bytes() == 0) return false;
  Slice ciphertext = recv_.take();
  tls_->set_input(std::span<const char>(ciphertext.data(), ciphertext.size()));
  PoolBlock& block = PoolBlock::create(pool, kPlaintextBytes);
  std::size_t bytes = unread_.size();
  if (bytes > 0) std::memcpy(block.data(), unread_.data(), bytes);
  const TlsRead read = tls_->read(std::span(block.data() + bytes, block.capacity() - bytes));
  release(ciphertext);
  bytes += read.bytes;
  if (bytes > 0) unread_ = Slice(block, block.data(), static_cast<std::uint32_t>(bytes));
  else block.discard();
  return read.state == TlsReadState::kWantInput || read.state == TlsReadState::kMore;
}

std::size_t Stream::peek(BlockPool& pool, std::span<char> out) {
  while (tls_ != nullptr && decrypt_received(pool)) {
  }
  const std::size_t first = std::min<std::size_t>(out.size(), unread_.size());
  if (first > 0) std::memcpy(out.data(), unread_.data(), first);
  return first + (tls_ == nullptr ? recv_.peek(out.subspan(first)) : 0);
}

// Gives the TLS session its next ciphertext, which it reads from where it then lies, or tells it
// that there is no more.
Task<Result<void>> feed_tls(Shard&, Stream& stream, Slice& ciphertext, Limits limits) {
  Result<Slice> received = co_await stream.recv_.next(limits);
  if (!received) co_return std::unexpected(received.error());
  if (received->empty()) {
    stream.tls_->end_input();
    co_return Result<void>();
  }
  ciphertext = std::move(*received);
  stream.tls_->set_input(std::span<const char>(ciphertext.data(), ciphertext.size()));
  co_return Result<void>();
}

Task<Result<void>> tls_handshake(Shard& shard, Stream& stream, Limits limits) {
  TlsSession& tls = *stream.tls();
  Slice ciphertext;
  while (true) {
    const TlsStatus status = tls.handshake();
    const WriteLimits write_limits{.deadline = limits.deadline, .cancel = limits.cancel};
    const Result<void> flushed = co_await flush_tls(shard, stream, write_limits);
    if (status == TlsStatus::kFailed) co_return fail(tls_error(tls, stream.side()));
    stream.release(ciphertext);
    if (!flushed) co_return flushed;
    if (status == TlsStatus::kDone) co_return Result<void>();
    const Result<void> fed = co_await feed_tls(shard, stream, ciphertext, limits);
    if (!fed) co_return fed;
  }
}

Task<Result<Slice>> read_record(Shard& shard, Stream& stream, Limits limits) {
  TlsSession& tls = *stream.tls_;
  Slice ciphertext;
  while (true) {
    PoolBlock& block = PoolBlock::create(shard.blocks(), kPlaintextBytes);
    const TlsRead read = tls.read(std::span(block.data(), block.capacity()));
    stream.release(ciphertext);
    if (read.bytes > 0)
      co_return Slice(block, block.data(), static_cast<std::uint32_t>(read.bytes));
    block.discard();
    if (tls.output_bytes() > 0) {  // an answer to a key update, or an alert
      const Result<void> flushed = co_await flush_tls(
          shard, stream, WriteLimits{.deadline = limits.deadline, .cancel = limits.cancel});
      if (!flushed) co_return std::unexpected(flushed.error());
    }
    switch (read.state) {
      case TlsReadState::kMore: break;
      case TlsReadState::kClosed: co_return Slice{};
      case TlsReadState::kTruncated:
      case TlsReadState::kFailed: co_return std::unexpected(tls_error(tls, stream.side()));
      case TlsReadState::kWantInput: {
        const Result<void> fed = co_await feed_tls(shard, stream, ciphertext, limits);
        if (!fed) co_return std::unexpected(fed.error());
        break;
      }
    }
  }
}

Task<Result<Slice>> read_some(Shard& shard, Stream& stream, Limits limits) {
  if (!stream.unread_.empty()) co_return std::move(stream.unread_);
  if (stream.tls_ != nullptr) {
    Result<Slice> record = co_await read_record(shard, stream, limits);
    co_return record;
  }
  Result<Slice> slice = co_await stream.recv_.next(limits);
  co_return slice;
}

Task<Result<void>> write_all(Shard& shard, Stream& stream, Outbox& outbox, WriteLimits limits) {
  if (stream.tls() != nullptr) return write_tls(shard, stream, outbox, limits);
  return write_plain(shard, stream, outbox, limits);
}

Task<void> close_stream(Shard& shard, Stream& stream) {
  if (stream.fd() < 0) co_return;
  const bool polite = stream.tls_ != nullptr && stream.tls_->established() && !stream.ended();
  if (polite) {
    stream.tls_->close_notify();
    // A courtesy: a peer that does not take it now does not get it.
    constexpr Duration kGoodbye = 100ms;
    const WriteLimits limits{.deadline = shard.now() + kGoodbye};
    static_cast<void>(co_await flush_tls(shard, stream, limits));
  }
  co_await stream.recv_.stop();
  stream.unread_.reset();
  stream.tls_.reset();
  shard.kernel().close_socket(stream.recv_.release());
}

Task<int> release_stream(Shard&, Stream& stream, std::string& unread) {
  SL_ASSERT(stream.tls_ == nullptr);
  co_await stream.recv_.pause();
  unread += stream.unread_.view();
  stream.unread_.reset();
  for (Slice slice = stream.recv_.take(); !slice.empty(); slice = stream.recv_.take())
    unread += slice.view();
  co_await stream.recv_.stop();
  co_return stream.recv_.release();
}

Task<void> linger(Shard& shard, Stream& stream, CancelSource* cancel, Duration most) {
  constexpr Duration kSilence = 2s;
  constexpr std::size_t kDiscardBytesMax = 64 * 1024 * 1024;  // twice a large body
  const Instant end = shard.now() + most;
  const auto until = [&] { return std::min(end, shard.now() + kSilence); };
  Result<void> told;
  if (stream.tls() != nullptr && stream.tls()->established()) {
    stream.tls()->close_notify();
    const WriteLimits goodbye{.deadline = until(), .cancel = cancel};
    told = co_await flush_tls(shard, stream, goodbye);
  }
  shard.kernel().shutdown_socket(stream.fd(), SHUT_WR);
  std::size_t discarded = 0;
  while (told && discarded < kDiscardBytesMax) {
    Result<Slice> slice =
        co_await stream.recv().next(Limits{.deadline = until(), .cancel = cancel});
    if (!slice || slice->empty()) break;
    discarded += slice->size();
  }
}

}  // namespace sluice
