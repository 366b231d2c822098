#include "tls/session_cache.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <iterator>

#include "base/assert.h"

namespace sluice {

PeerName peer_name_of(std::string_view host) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);  // RFC 6066, 3
  PeerName name;
  name.text.assign(host);
  std::transform(name.text.begin(), name.text.end(), name.text.begin(), [](char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte;
  });
  if (inet_pton(AF_INET, name.text.c_str(), name.address.data()) == 1) {
    name.address_bytes = 4;
  } else if (inet_pton(AF_INET6, name.text.c_str(), name.address.data()) == 1) {
    name.address_bytes = 16;
  }
  return name;
}

SessionCache::~SessionCache() {
  for (Peer& peer : peers_) {
    SL_ASSERT(peer.users == 0);
    drop_sessions(peer);
  }
}

SessionCache::Peer& SessionCache::enter(std::string_view host, std::uint16_t port,
                                        const TrustStore& trust) {
  PeerName name = peer_name_of(host);
  const auto known = std::find_if(peers_.begin(), peers_.end(), [&](const Peer& peer) {
    return peer.port == port && peer.trust == trust && peer.name.text == name.text;
  });
  if (known == peers_.end()) {
    peers_.push_front(Peer{.name = std::move(name), .port = port, .trust = trust});
  } else {
    peers_.splice(peers_.begin(), peers_, known);
  }
  Peer& peer = peers_.front();
  ++peer.users;
  trim();
  return peer;
}

void SessionCache::leave(Peer& peer) noexcept {
  SL_ASSERT(peer.users > 0);
  --peer.users;
  trim();
}

void SessionCache::trim() noexcept {
  for (auto at = peers_.end(); peers_.size() > kPeersMax && at != peers_.begin();) {
    const auto last = std::prev(at);
    if (last->users > 0) {
      at = last;
      continue;
    }
    drop_sessions(*last);
    at = peers_.erase(last);
  }
}

void SessionCache::drop_sessions(Peer& peer) noexcept {
  for (std::uint32_t i = 0; i < peer.count; ++i) SSL_SESSION_free(peer.sessions[i]);
  peer.count = 0;
}

SSL_SESSION* SessionCache::take(Peer& peer) noexcept {
  if (peer.count == 0) return nullptr;
  SSL_SESSION* const newest = peer.sessions[peer.count - 1];
  if (SSL_SESSION_should_be_single_use(newest) == 1) {
    --peer.count;
  } else {
    SSL_SESSION_up_ref(newest);
  }
  return newest;
}

void SessionCache::put(Peer& peer, SSL_SESSION* session) noexcept {
  if (peer.count == kSessionsPerPeerMax) {
    SSL_SESSION_free(peer.sessions.front());
    std::shift_left(peer.sessions.begin(), peer.sessions.end(), 1);
    --peer.count;
  }
  peer.sessions[peer.count++] = session;
}

}  // namespace sluice
