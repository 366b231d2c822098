#pragma once

#include <expected>
#include <optional>
#include <string>

#include "base/start_failure.h"
#include "engine/config/config.h"
#include "engine/config/expand.h"
#include "store/vault/vault.h"
#include "store/writer.h"

namespace sluice {

// KeyRing - the master key of a store, and the vault that it opens.
//
// Owns      both. Move-only.
// Affinity  none: immutable.
struct KeyRing {
  MasterKey master;
  Vault vault;
  std::string origin;  // where the key came from: a variable's or a file's name
};

// Finds the master key (store.key_file, else SIDECAR_ENCRYPTION_KEY, else master.key in the data
// directory, which is made when there is none and nothing is encrypted yet) and holds it against
// the store's key check, which a new store gets. A wrong key is EX_CONFIG, and nothing is touched.
// A rotation that was cut off is refused too, but for who goes on with it.
enum class Rotation : bool { kRefused, kGoesOn };
[[nodiscard]] std::expected<KeyRing, StartFailure> open_key_ring(
    const StoreConfig& config, const Environment& env, Writer& writer, std::int64_t now_unix_ms,
    Rotation rotation = Rotation::kRefused);

// The vault of a store that is only read, beside whoever writes it.
[[nodiscard]] std::expected<Vault, StartFailure> open_vault(const StoreConfig& config,
                                                            const Environment& env,
                                                            StoreEnvironment& environment);

// Where a key is kept that was made here because nobody gave one.
[[nodiscard]] std::string made_key_file(const StoreConfig& config);
// Another key in its place: prepare_key_file() lays it beside the present one before anything is
// encrypted under it, and replace_key_file() puts it there afterwards. In between a start finds
// whichever of the two the store belongs to.
[[nodiscard]] std::string next_key_file(const std::string& path);
[[nodiscard]] std::expected<void, StartFailure> prepare_key_file(const std::string& path,
                                                                 const MasterKey& key);
[[nodiscard]] std::expected<void, StartFailure> replace_key_file(const std::string& path);

// Where things of the vault lie in the table of meta data.
inline constexpr std::string_view kKeyCheckKey = "vault.key_check";
inline constexpr std::string_view kRotationKey = "vault.rotation";

// What a store has under one of these keys.
[[nodiscard]] StoreResult<std::optional<std::string>> read_meta(StoreEnvironment& environment,
                                                                std::string_view key);

}  // namespace sluice
