#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "engine/proxy/settings.h"
#include "engine/route/directory.h"
#include "tls/context.h"

namespace sluice {

// Snapshot - all that configuration decides, as one immutable whole: a reload builds a new one and
// publishes it to every shard.
struct Snapshot {
  std::shared_ptr<const Directory> directory;
  ProxySettings settings;
  std::optional<ServerTlsContext> listener_tls;  // nothing: plain HTTP
  std::optional<TrustStore> system_trust;        // nothing: no account speaks TLS with it
  std::vector<std::pair<std::string, TrustStore>> ca_files;  // by the name of the file

  // The authorities for a provider's certificate. Null only when none was loaded, which the start
  // refuses.
  [[nodiscard]] const TrustStore* trust_for(const std::string& ca_file) const noexcept {
    for (const auto& [file, trust] : ca_files) {
      if (file == ca_file) return &trust;
    }
    return ca_file.empty() && system_trust ? &*system_trust : nullptr;
  }
};

// HeldSnapshot - a shard's share of a Snapshot, counted without atomics: each exchange keeps the
// one it began with.
//
// Affinity  one shard.
class HeldSnapshot {
 public:
  explicit HeldSnapshot(std::shared_ptr<const Snapshot> shared) : shared_(std::move(shared)) {}
  [[nodiscard]] const Snapshot& operator*() const noexcept { return *shared_; }
  [[nodiscard]] const Snapshot* operator->() const noexcept { return shared_.get(); }

 private:
  friend class SnapshotRef;
  std::shared_ptr<const Snapshot> shared_;
  std::uint32_t users_ = 0;
};

// SnapshotRef - keeps a HeldSnapshot alive.
class SnapshotRef {
 public:
  SnapshotRef() = default;
  explicit SnapshotRef(std::shared_ptr<const Snapshot> shared)
      : held_(new HeldSnapshot(std::move(shared))) {
    ++held_->users_;
  }
  SnapshotRef(const SnapshotRef& other) noexcept : held_(other.held_) {
    if (held_ != nullptr) ++held_->users_;
  }
  SnapshotRef& operator=(SnapshotRef other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~SnapshotRef() {
    if (held_ != nullptr && --held_->users_ == 0) delete held_;
  }
  [[nodiscard]] const Snapshot& operator*() const noexcept { return **held_; }
  [[nodiscard]] const Snapshot* operator->() const noexcept { return &**held_; }

 private:
  HeldSnapshot* held_ = nullptr;
};

}  // namespace sluice
