#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tls/context.h"

namespace sluice {

// ServerNames - which of a server's identities answers to a name.
//
// Owns      a reference to each SSL_CTX but the first, which owns this object.
// Affinity  none: immutable once built.
class ServerNames {
 public:
  ServerNames() = default;
  ~ServerNames();
  ServerNames(const ServerNames&) = delete;
  ServerNames& operator=(const ServerNames&) = delete;

  // Adds an identity and takes over the reference (null for the first).
  void add(ssl_ctx_st* context, ServedCertificate certificate);
  // To be called once all are added.
  void sort();

  // The index of the identity for `name` (any case): exact before wildcard, the earlier pair before
  // the later, 0 when no one has it. A wildcard stands for one whole first label (RFC 9525, 6.3).
  [[nodiscard]] std::size_t find(std::string_view name) const;
  [[nodiscard]] ssl_ctx_st* context(std::size_t index) const { return contexts_[index]; }
  [[nodiscard]] const std::vector<ServedCertificate>& certificates() const { return certificates_; }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Entry {
    std::string name;
    std::size_t index;
  };
  [[nodiscard]] std::size_t find_entry(std::string_view name) const;
  std::vector<ssl_ctx_st*> contexts_;
  std::vector<ServedCertificate> certificates_;
  std::vector<Entry> entries_;  // by name, then by index
};

}  // namespace sluice
