#pragma once

#include <cstddef>
#include <cstdint>

struct bio_st;
struct ssl_st;
struct ssl_session_st;

namespace sluice {

class TlsSession;

// TlsSessionHooks - what the library calls back into; installed by the contexts, run inside a call
// of the session that it concerns.
struct TlsSessionHooks {
  // The session around `ssl`, found through its transport: no ex_data, which would cost memory.
  [[nodiscard]] static TlsSession& session_of(const ssl_st* ssl) noexcept;

  // Checks the peer's certificate; false fails the handshake with alert `*alert`.
  [[nodiscard]] static bool verify(ssl_st* ssl, std::uint8_t* alert);
  // Puts a session that the peer allows to resume into the cache, taking over the reference.
  static void keep(ssl_st* ssl, ssl_session_st* session);
  // Remembers the newest version that the peer offered, for the error text.
  static void note_version(ssl_st* ssl, std::uint16_t version) noexcept;

  // The transport: reads from the session's input span, writes to its output chain.
  [[nodiscard]] static bio_st* new_transport(TlsSession& session);
  static int transport_read(bio_st* transport, char* out, int bytes_max);
  static int transport_write(bio_st* transport, const char* bytes, int count);
};

}  // namespace sluice
