#include "tls/session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <new>

#include "base/assert.h"
#include "tls/handshake_failure.h"
#include "tls/session_hooks.h"

namespace sluice {
namespace {

constexpr std::size_t kCallBytesMax = 1u << 30;  // the library counts in int

}  // namespace

TlsSession::TlsSession(ClientTlsContext& context, const TlsPeer& peer, BlockPool& pool)
    : ssl_(SSL_new(context.native())),
      output_(pool),
      failure_(pool),
      sessions_(&context.sessions()),
      peer_(&sessions_->enter(peer.host, peer.port,
                              peer.trust != nullptr ? *peer.trust : context.trust())) {
  attach_transport();
  SSL_set_connect_state(ssl_);
  if (SSL_SESSION* const earlier = SessionCache::take(*peer_); earlier != nullptr) {
    SSL_set_session(ssl_, earlier);
    SSL_SESSION_free(earlier);
  }
  // An address is no name to ask for (RFC 6066, 3).
  const PeerName& name = peer_->name;
  if (name.address_bytes == 0 && SSL_set_tlsext_host_name(ssl_, name.text.c_str()) != 1) {
    ERR_clear_error();
    failure_.add("\"", name.text, "\" is neither a host name nor an address");
    fail_with(Errc::kTlsHandshakeFailed);
  }
}

TlsSession::TlsSession(const ServerTlsContext& context, BlockPool& pool)
    : ssl_(SSL_new(context.native())), output_(pool), failure_(pool) {
  attach_transport();
  SSL_set_accept_state(ssl_);
}

TlsSession::~TlsSession() {
  SSL_free(ssl_);
  if (peer_ != nullptr) sessions_->leave(*peer_);
}

TlsSession::Owner TlsSession::make(ClientTlsContext& context, const TlsPeer& peer,
                                   BlockPool& pool) {
  return Owner(new (pool.take(sizeof(TlsSession))) TlsSession(context, peer, pool));
}

TlsSession::Owner TlsSession::make(const ServerTlsContext& context, BlockPool& pool) {
  return Owner(new (pool.take(sizeof(TlsSession))) TlsSession(context, pool));
}

void TlsSession::GiveBack::operator()(TlsSession* session) const noexcept {
  BlockPool& pool = session->output_.pool();
  session->~TlsSession();
  pool.give(session, sizeof(TlsSession));
}

void TlsSession::attach_transport() {
  SL_ASSERT(ssl_ != nullptr);
  BIO* const transport = TlsSessionHooks::new_transport(*this);
  SSL_set_bio(ssl_, transport, transport);
  // What only a handshake needs is freed at its end: about 1 KiB per connection.
  SSL_set_shed_handshake_config(ssl_, 1);
}

void TlsSession::set_input(std::span<const char> ciphertext) noexcept {
  SL_ASSERT(input_.empty());
  if (!failed_) input_ = ciphertext;
}

TlsStatus TlsSession::handshake() {
  if (failed_) return TlsStatus::kFailed;
  if (established_) return TlsStatus::kDone;
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    established_ = true;
    SSL_set_msg_callback(ssl_, nullptr);
    return TlsStatus::kDone;
  }
  const int ssl_error = SSL_get_error(ssl_, result);
  if (ssl_error == SSL_ERROR_WANT_READ) return TlsStatus::kWantInput;
  describe_failure(ssl_error);
  return TlsStatus::kFailed;
}

TlsRead TlsSession::read(std::span<char> out) {
  SL_ASSERT(established_);
  if (failed_) return {.bytes = 0, .state = TlsReadState::kFailed};
  std::size_t bytes = 0;
  while (bytes < out.size()) {
    const std::size_t room = std::min(out.size() - bytes, kCallBytesMax);
    const int result = SSL_read(ssl_, out.data() + bytes, static_cast<int>(room));
    if (result <= 0) {
      const int ssl_error = SSL_get_error(ssl_, result);
      if (ssl_error == SSL_ERROR_WANT_READ) return {bytes, TlsReadState::kWantInput};
      // The end is told on its own, the next time: the library remembers it.
      if (bytes > 0) return {bytes, TlsReadState::kMore};
      return {0, read_stopped(ssl_error)};
    }
    bytes += static_cast<std::size_t>(result);
    // Saves the call that would only find out that there is nothing.
    if (input_.empty() && !input_ended_ && SSL_pending(ssl_) == 0) {
      return {bytes, TlsReadState::kWantInput};
    }
  }
  return {bytes, TlsReadState::kMore};
}

bool TlsSession::has_unread() const noexcept { return SSL_has_pending(ssl_) == 1; }

TlsReadState TlsSession::read_stopped(int ssl_error) {
  input_ = {};  // what a peer sends behind the end is nobody's
  if (ssl_error == SSL_ERROR_ZERO_RETURN) return TlsReadState::kClosed;
  if (ssl_error == SSL_ERROR_SYSCALL) {
    if (failure_.empty()) failure_.add("connection closed without close_notify");
    error_ = Error{.code = Errc::kTlsBroken,
                   .side = sessions_ != nullptr ? Side::kUpstream : Side::kDownstream};
    ERR_clear_error();
    return TlsReadState::kTruncated;
  }
  describe_failure(ssl_error);
  return TlsReadState::kFailed;
}

// RecordWriter - turns pieces into as few records as they need: whole records go to the library
// from where they lie, what is smaller is gathered (copied) in a block of the pool first.
class TlsSession::RecordWriter {
 public:
  explicit RecordWriter(TlsSession& session) noexcept : session_(session) {}
  ~RecordWriter() {
    if (gathered_ != nullptr) session_.output_.pool().give(gathered_, kRecordBytesMax);
  }
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  // `last`: nothing follows, so there is nothing to gather for.
  bool add(std::string_view text, bool last) {
    if (bytes_ > 0) {
      const std::size_t step = std::min(text.size(), kRecordBytesMax - bytes_);
      gather_copy(text.substr(0, step));
      text.remove_prefix(step);
      if (bytes_ < kRecordBytesMax && !last) return true;
      if (!flush()) return false;
    }
    const std::size_t whole = last ? text.size() : text.size() / kRecordBytesMax * kRecordBytesMax;
    if (whole > 0 && !session_.write_record_bytes(text.substr(0, whole))) return false;
    gather_copy(text.substr(whole));
    return true;
  }

  bool flush() {
    const std::size_t bytes = bytes_;
    bytes_ = 0;
    return bytes == 0 || session_.write_record_bytes({gathered_, bytes});
  }

 private:
  static constexpr std::size_t kRecordBytesMax = SSL3_RT_MAX_PLAIN_LENGTH;  // 16 KiB

  void gather_copy(std::string_view text) {
    if (text.empty()) return;
    if (gathered_ == nullptr) {
      gathered_ = static_cast<char*>(session_.output_.pool().take(kRecordBytesMax));
    }
    std::copy(text.begin(), text.end(), gathered_ + bytes_);
    bytes_ += text.size();
  }

  TlsSession& session_;
  char* gathered_ = nullptr;
  std::size_t bytes_ = 0;
};

Result<std::size_t> TlsSession::write(std::span<const std::string_view> pieces, std::size_t offset,
                                      std::size_t bytes_max) {
  SL_ASSERT(established_);
  if (failed_) return fail(error_);
  RecordWriter writer(*this);
  std::size_t taken = 0;
  for (std::size_t i = 0; i < pieces.size() && taken < bytes_max; ++i) {
    const std::size_t skipped = std::min(offset, pieces[i].size());
    offset -= skipped;
    const std::string_view text = pieces[i].substr(skipped, bytes_max - taken);
    if (text.empty()) continue;
    taken += text.size();
    if (!writer.add(text, i + 1 == pieces.size() || taken == bytes_max)) return fail(error_);
  }
  if (!writer.flush()) return fail(error_);
  return taken;
}

bool TlsSession::write_record_bytes(std::string_view text) {
  while (!text.empty()) {
    const std::size_t step = std::min(text.size(), kCallBytesMax);
    const int result = SSL_write(ssl_, text.data(), static_cast<int>(step));
    if (result <= 0) {
      describe_failure(SSL_get_error(ssl_, result));
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(result));
  }
  return true;
}

void TlsSession::close_notify() {
  if (!established_ || failed_ || close_sent_) return;
  close_sent_ = true;
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

bool TlsSession::resumed() const noexcept { return SSL_session_reused(ssl_) == 1; }

std::string_view TlsSession::version() const noexcept { return SSL_get_version(ssl_); }

std::string_view TlsSession::alpn() const noexcept {
  const std::uint8_t* name = nullptr;
  unsigned bytes = 0;
  SSL_get0_alpn_selected(ssl_, &name, &bytes);
  return {reinterpret_cast<const char*>(name), bytes};
}

void TlsSession::fail_with(Errc code) {
  failed_ = true;
  // Before the handshake is done no request byte has left (HTTP_RULES, retries).
  error_ = Error{.code = code,
                 .side = sessions_ != nullptr ? Side::kUpstream : Side::kDownstream,
                 .retry = established_ ? Retry::kUnsafe : Retry::kSafe};
}

void TlsSession::describe_failure(int ssl_error) {
  const std::uint32_t reason = ERR_peek_last_error();
  if (failure_.empty()) {
    if (ssl_error == SSL_ERROR_SYSCALL) {
      failure_.add(established_ ? "connection closed without close_notify"
                                : "connection closed during the TLS handshake");
    } else {
      describe_tls_failure(reason, peer_version_, sessions_ != nullptr, failure_);
    }
  }
  ERR_clear_error();
  input_ = {};
  fail_with(untrusted_     ? Errc::kTlsUntrusted
            : established_ ? Errc::kTlsBroken
                           : Errc::kTlsHandshakeFailed);
}

}  // namespace sluice
