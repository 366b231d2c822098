#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "tests/unit/net/wire.h"
#include "tests/unit/tls/session_pair.h"

namespace sluice {

// TlsWire - the peer's TLS at its end of a connection. Nothing here waits.
class TlsWire {
 public:
  // The rest of the arguments is for TlsSession.
  template <class... Args>
  explicit TlsWire(Wire& wire, Args&&... args)
      : session(std::forward<Args>(args)...), wire_(&wire) {}

  // Takes what has come and sends what is to be sent, as far as the socket takes it.
  void step() {
    static_cast<void>(session.handshake());
    std::string inbox = wire_->take();
    if (!inbox.empty()) read = deliver(session, inbox, plaintext).read;
    flush();
  }
  void flush() {
    collect(session, outbox_);
    outbox_.erase(0, wire_->send_some(outbox_));
  }
  void send(std::string_view text) {
    EXPECT_TRUE(session.write(text).has_value()) << session.failure();
    flush();
  }
  void close_notify() {
    session.close_notify();
    flush();
  }

  TlsSession session;
  std::string plaintext;                         // all that was read
  TlsReadState read = TlsReadState::kWantInput;  // how the last reading ended

 private:
  Wire* wire_;
  std::string outbox_;
};

}  // namespace sluice
