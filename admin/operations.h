#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "admin/key_ring.h"
#include "base/secret.h"
#include "engine/config/config.h"
#include "store/writer.h"

namespace sluice {

// AdminCall - something that is to be changed in the store: by name, with arguments, and with one
// secret that never becomes a part of any text (a provider's key, a provider file with keys).
struct AdminCall {
  std::string command;
  nlohmann::json args = nlohmann::json::object();
  Secret secret = {};
};

// AdminAnswer - what came of it. exit_code is of sysexits.h; `text` is for a person, with its line
// ends. `secret` is shown once: a token that was made, a file with keys.
struct AdminAnswer {
  int exit_code = 0;
  std::string text = {};
  Secret secret = {};
  bool changed = false;  // the gateway has to read the store's accounts and clients again
};

// AdminDesk - does what is asked for, on the store's thread, or in a process of its own when no
// gateway runs.
//
//   providers.add      name, fields {key: text}, models {canonical: native}; the secret is the key
//   providers.remove   name
//   providers.import   the secret is a provider file (docs/COMPAT.md); all or nothing
//   providers.export   clear: with keys
//   clients.create     name, rpm_limit, tpm_limit, concurrent_limit, models, priority
//   clients.revoke     name
//   keys.rotate        the secret is the new master key's 64 digits
//
// Owns      nothing. Affinity: the Writer's thread.
class AdminDesk {
 public:
  AdminDesk(Writer& writer, KeyRing& keys, const Config& config, std::int64_t now_unix_ms)
      : writer_(writer), keys_(keys), config_(config), now_unix_ms_(now_unix_ms) {}

  [[nodiscard]] AdminAnswer answer(const AdminCall& call);

 private:
  AdminAnswer add_provider(const AdminCall& call);
  AdminAnswer remove_provider(const AdminCall& call);
  AdminAnswer import_providers(const AdminCall& call);
  AdminAnswer export_providers(const AdminCall& call);
  AdminAnswer create_client(const AdminCall& call);
  AdminAnswer revoke_client(const AdminCall& call);
  AdminAnswer rotate_keys(const AdminCall& call);

  [[nodiscard]] AdminAnswer failed(const StoreError& error) const;
  [[nodiscard]] bool is_configured(const std::string& name) const;

  Writer& writer_;
  KeyRing& keys_;
  const Config& config_;
  std::int64_t now_unix_ms_;
};

}  // namespace sluice
