#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>
#include <string_view>

#include "base/assert.h"
#include "tls/session.h"

namespace sluice {

// RawPeer - the library itself as the other side, for what TlsSession never does: old versions,
// foreign protocols, key updates. A client unless a certificate and key are given.
class RawPeer {
 public:
  explicit RawPeer(bool server) : context_(SSL_CTX_new(TLS_method())), server_(server) {}

  SSL_CTX* context() { return context_.get(); }

  // Call after the context is as wanted.
  void start() {
    ssl_.reset(SSL_new(context_.get()));
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_.get(), in_, out_);
    server_ ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
  }
  SSL* ssl() { return ssl_.get(); }

  // Handshakes or reads; what was read is appended to `plaintext`.
  void receive(std::string_view ciphertext) {
    SL_ASSERT(BIO_write(in_, ciphertext.data(), static_cast<int>(ciphertext.size())) ==
              static_cast<int>(ciphertext.size()));
    step();
  }
  void step() {
    ERR_clear_error();
    if (SSL_in_init(ssl_.get())) SSL_do_handshake(ssl_.get());
    char out[4096];
    while (!SSL_in_init(ssl_.get())) {
      const int bytes = SSL_read(ssl_.get(), out, sizeof out);
      if (bytes <= 0) break;
      plaintext.append(out, static_cast<std::size_t>(bytes));
    }
  }
  std::string take_output() {
    const std::uint8_t* bytes = nullptr;
    std::size_t count = 0;
    BIO_mem_contents(out_, &bytes, &count);
    std::string output(reinterpret_cast<const char*>(bytes), count);
    BIO_reset(out_);
    return output;
  }

  // Carries bytes between this and `session` until both are silent; what `session` reads is
  // returned.
  std::string exchange(TlsSession& session, TlsStatus* status = nullptr) {
    std::string got;
    step();
    static_cast<void>(session.handshake());
    for (int turn = 0; turn < 10; ++turn) {
      while (!session.output().empty()) {
        const std::string sent(session.output());
        session.consume_output(sent.size());
        receive(sent);
      }
      const std::string sent = take_output();
      if (sent.empty() && session.output_bytes() == 0) break;
      session.set_input(sent);
      const TlsStatus now = session.handshake();
      if (status != nullptr) *status = now;
      if (now == TlsStatus::kFailed) continue;
      char out[4096];
      while (now == TlsStatus::kDone) {
        const TlsRead read = session.read(out);
        got.append(out, read.bytes);
        if (read.state != TlsReadState::kMore) break;
      }
    }
    return got;
  }

  std::string plaintext;

 private:
  bssl::UniquePtr<SSL_CTX> context_;
  bssl::UniquePtr<SSL> ssl_;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  bool server_;
};

}  // namespace sluice
