#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "tls/trust.h"

struct ssl_session_st;

namespace sluice {

// PeerName - a host as TLS sees it: a DNS name, or an address.
struct PeerName {
  std::string text;  // no brackets, no final dot, lower case
  std::array<std::uint8_t, 16> address{};
  std::uint8_t address_bytes = 0;  // 4, 16, or 0: a DNS name
};
[[nodiscard]] PeerName peer_name_of(std::string_view host);

// SessionCache - sessions to resume, by peer: (host, port, trust store). A peer proven under one
// store is not proven under another.
//
// Owns      references to sessions, and the peers' names for as long as a connection uses them.
// Affinity  one shard.
// Limits    kPeersMax peers that no connection uses, the longest unused leaves first;
//           kSessionsPerPeerMax sessions each, the newest kept.
// Cost      a search over the peers (at most a few hundred) per new connection, none per request.
class SessionCache {
 public:
  static constexpr std::size_t kPeersMax = 256;
  // A server sends two tickets per connection and each serves once (RFC 8446, C.4): enough for a
  // pool that opens a few connections at once.
  static constexpr std::size_t kSessionsPerPeerMax = 4;

  struct Peer {
    PeerName name;
    std::uint16_t port;
    TrustStore trust;
    std::uint32_t users = 0;  // connections that point here
    std::uint32_t count = 0;
    std::array<ssl_session_st*, kSessionsPerPeerMax> sessions{};  // oldest first
  };

  SessionCache() = default;
  ~SessionCache();
  SessionCache(const SessionCache&) = delete;
  SessionCache& operator=(const SessionCache&) = delete;

  // The peer's entry, made if need be; stays where it is until leave().
  [[nodiscard]] Peer& enter(std::string_view host, std::uint16_t port, const TrustStore& trust);
  void leave(Peer& peer) noexcept;

  // The newest session that can be resumed, or null. The caller owns the reference. A TLS 1.3
  // ticket is given out once, a TLS 1.2 session stays.
  [[nodiscard]] static ssl_session_st* take(Peer& peer) noexcept;
  // Takes over the reference.
  static void put(Peer& peer, ssl_session_st* session) noexcept;

  [[nodiscard]] std::size_t peers() const noexcept { return peers_.size(); }

 private:
  static void drop_sessions(Peer& peer) noexcept;
  void trim() noexcept;
  std::list<Peer> peers_;  // the latest entered first
};

}  // namespace sluice
