#pragma once

#include <cstddef>
#include <expected>
#include <string>

struct x509_store_st;

namespace sluice {

// TrustStore - the authorities whose signature on a server's certificate counts.
//
// Owns      a reference to the parsed certificates; a copy is one more reference.
// Affinity  none: immutable, and shared by all shards so that the system's authorities (about 140)
//           are parsed and stored once. The library takes a mutex of the store for the search of an
//           issuer, once or twice per upstream handshake that is not resumed.
// Lifetime  a session keeps its own reference, so a reload may drop the store at any time.
class TrustStore {
 public:
  // The machine's authorities: the file that SSL_CERT_FILE names, else the bundle of the
  // distribution (/etc/ssl/certs/ca-certificates.crt on Debian). Reads files: not on a shard.
  [[nodiscard]] static std::expected<TrustStore, std::string> system();
  // The certificates of `path` and no others. Each is an anchor, also an intermediate authority or
  // a server's own certificate (partial chains end there). Reads a file: not on a shard.
  [[nodiscard]] static std::expected<TrustStore, std::string> from_file(const std::string& path);

  // Nobody: whoever is checked against it is refused.
  [[nodiscard]] static TrustStore none();

  TrustStore(const TrustStore& other) noexcept;
  TrustStore(TrustStore&& other) noexcept;
  TrustStore& operator=(TrustStore other) noexcept;
  ~TrustStore();

  [[nodiscard]] std::size_t authorities() const noexcept { return authorities_; }
  // The same store, not only an equal one.
  friend bool operator==(const TrustStore& a, const TrustStore& b) noexcept {
    return a.store_ == b.store_;
  }
  [[nodiscard]] x509_store_st* native() const noexcept { return store_; }

 private:
  TrustStore() = default;
  static std::expected<TrustStore, std::string> load(const std::string& path, unsigned long flags);
  x509_store_st* store_ = nullptr;
  std::size_t authorities_ = 0;
};

}  // namespace sluice
