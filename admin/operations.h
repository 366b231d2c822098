#pragma once

#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/field_problem.h"
#include "admin/key_ring.h"
#include "base/secret.h"
#include "engine/config/config.h"
#include "store/account_rows.h"
#include "store/writer.h"

namespace sluice {

// AdminCall - something that is to be changed in the store: by name, with arguments, and with one
// secret that never becomes a part of any text (a provider's key, a provider file with keys).
struct AdminCall {
  std::string command;
  nlohmann::json args = nlohmann::json::object();
  Secret secret = {};
  // What was found wrong with it before: with those of the desk's own they are all told at once,
  // and nothing is done.
  std::vector<FieldProblem> faults = {};
};

// What came of a call, for who is no person.
enum class AdminOutcome : std::uint8_t {
  kDone,
  kInvalid,    // what was given is wrong: `faults`
  kNotFound,   // what it is about is not there
  kOutdated,   // it is another now than the one that was seen
  kConflict,   // it is there already, or stands where it cannot be changed from here
  kFailed,     // the store, or the caller, is in trouble
  kNotStored,  // there is no store (store.directory: none)
};

// AdminAnswer - what came of it. exit_code is of sysexits.h; `text` is for a person, with its line
// ends. `secret` is shown once: a token that was made, a file with keys.
struct AdminAnswer {
  int exit_code = 0;
  std::string text = {};
  Secret secret = {};
  bool changed = false;           // the gateway has to read the store's accounts and clients again
  bool settings_changed = false;  // ... and to load its configuration again, too
  AdminOutcome outcome = AdminOutcome::kDone;
  std::vector<FieldProblem> faults = {};
  nlohmann::json figures = nlohmann::json::object();  // numbers by their names
  nlohmann::json object = {};                         // {"id"} of an account, {"name"} of a client,
      // {"tag"} of all settings, entries of an import
};

// "sluice.yaml:12", "the environment (SIDECAR_API_KEY)": for who is to change what stands there.
[[nodiscard]] std::string place_text(const Place& place);
// "the configuration file (sluice.yaml:12)": where the account or client key at `path`
// ("accounts[3]") of `config` stands. `required`: a key that each of them has.
[[nodiscard]] std::string place_of(const Config& config, std::string_view path,
                                   std::string_view required);

// Answers of exit code EX_DATAERR.
[[nodiscard]] AdminAnswer refuse_faults(std::vector<FieldProblem> faults);
// Those of the call and those of the desk, which knows nothing better of a field that the call has
// a fault of.
[[nodiscard]] std::vector<FieldProblem> with_faults_of(const AdminCall& call,
                                                       std::vector<FieldProblem> faults);
[[nodiscard]] AdminAnswer refuse_missing(std::string text);
[[nodiscard]] AdminAnswer refuse_conflict(std::string text);
// The same of a name that another has.
[[nodiscard]] AdminAnswer refuse_taken(std::string text);

// AdminDesk - does what is asked for, on the store's thread, or in a process of its own when no
// gateway runs.
//
//   providers.add      fields {key: text}, models {canonical: native}, or mappings (as
//                      store/import/model_mappings.h reads them), metadata; the secret is the key
//   providers.change   id, and what changes of these; inherited [name]: timeouts that are taken
//                      from the configuration again
//   providers.remove   name or id
//   providers.import   dry_run; the secret is a provider file (docs/COMPAT.md); all or nothing
//   providers.export   clear: with keys
//   clients.create     name, rpm_limit, tpm_limit, concurrent_limit, models, priority, priority_max
//   clients.change     name, and what changes of these
//   clients.revoke     name
//   prices.put         model, valid_from_ms, input, output, cached_read, cached_write: nano-dollars
//                      for a million tokens
//   prices.remove      model, valid_from_ms
//   usage.recompute    from_hour, to_hour: since 1970, without the last one; the figures are a
//                      RecomputedCost: see recompute_usage()
//   settings.put       values {path: text}, descriptions {path: text}; all or nothing; if_match is
//                      of the only one, or with `whole` of all that are stored
//   settings.remove    key
//   import.sidecar     skip_unreadable, dry_run; the secret is a SidecarDocument; all or nothing
//   keys.rotate        the secret is the new master key's 64 digits
//
// `if_match` with what changes, removes or revokes one account, client key or setting: the tag that
// it must still have, as If-Match writes it (row_tag(), setting_tag(), settings_tag()).
// `from_network` with accounts: who gives their addresses may not name private ones.
//
// Owns      nothing. Affinity: the Writer's thread.
class AdminDesk {
 public:
  AdminDesk(Writer& writer, KeyRing& keys, const Config& config, std::int64_t now_unix_ms)
      : writer_(writer), keys_(keys), config_(config), now_unix_ms_(now_unix_ms) {}

  [[nodiscard]] AdminAnswer answer(const AdminCall& call);

 private:
  AdminAnswer add_provider(const AdminCall& call);
  AdminAnswer change_provider(const AdminCall& call);
  AdminAnswer remove_provider(const AdminCall& call);
  AdminAnswer import_providers(const AdminCall& call);
  AdminAnswer export_providers(const AdminCall& call);
  AdminAnswer create_client(const AdminCall& call);
  AdminAnswer change_client(const AdminCall& call);
  AdminAnswer revoke_client(const AdminCall& call);
  AdminAnswer put_price(const AdminCall& call);
  AdminAnswer remove_price(const AdminCall& call);
  AdminAnswer recompute_usage(const AdminCall& call);
  AdminAnswer put_settings(const AdminCall& call);
  AdminAnswer remove_setting(const AdminCall& call);
  AdminAnswer import_sidecar(const AdminCall& call);
  AdminAnswer rotate_keys(const AdminCall& call);

  [[nodiscard]] AdminAnswer failed(const StoreError& error) const;
  // Nothing: that many more accounts fit a directory, beside the configuration's.
  [[nodiscard]] std::optional<AdminAnswer> no_room_for(std::size_t accounts) const;
  // Where an account of the configuration stands; nothing: none is called that.
  [[nodiscard]] std::optional<std::string> configured_at(const std::string& name) const;
  [[nodiscard]] std::expected<MasterKey, std::string> next_key(const AdminCall& call,
                                                               bool made_here);
  [[nodiscard]] std::expected<std::vector<FieldProblem>, StoreError> objections(
      std::size_t index, const AccountConfig& account, bool from_network) const;
  // Writes an account of which all is checked but whether its name is free.
  [[nodiscard]] AdminAnswer put(const StoredAccount& account, std::string_view verb);
  // The configuration with these settings in the store: nothing, or why it would not load.
  [[nodiscard]] std::vector<FieldProblem> try_settings(const std::vector<StoredSetting>& settings);

  Writer& writer_;
  KeyRing& keys_;
  const Config& config_;
  std::int64_t now_unix_ms_;
};

}  // namespace sluice
