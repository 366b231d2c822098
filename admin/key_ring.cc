#include "admin/key_ring.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "admin/private_file.h"
#include "store/vault/key_check.h"
#include "store/vault/rotation.h"

namespace sluice {
namespace {

StartFailure wrong_key(std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  return {EX_CONFIG, std::move(text)};
}

StartFailure store_failure(const StoreError& error, const StoreEnvironment& environment) {
  return {EX_DATAERR, explain(error, environment.path()) + "\n"};
}

// Writes a new key where only its owner can read it. Nothing is overwritten.
std::expected<void, StartFailure> write_key_file(const std::string& path, const MasterKey& key) {
  const int os_errno = write_private_file(path, key.digits().reveal());
  if (os_errno == 0) return {};
  return std::unexpected(
      StartFailure{EX_CANTCREAT, fmt::format("cannot write the master key to {}: {}; give one with "
                                             "SIDECAR_ENCRYPTION_KEY or store.key_file\n",
                                             path, std::strerror(os_errno))});
}

std::expected<void, StartFailure> sync_key_folder(const std::string& path) {
  const int os_errno = sync_folder_of(path);
  if (os_errno == 0) return {};
  return std::unexpected(StartFailure{
      EX_IOERR, fmt::format("cannot sync the folder of {}: {}\n", path, std::strerror(os_errno))});
}

// The store's key check; nothing in a store that has none yet.
std::expected<std::optional<std::string>, StartFailure> read_key_check(
    StoreEnvironment& environment, Rotation rotation) {
  auto check = read_meta(environment, kKeyCheckKey);
  if (!check) return std::unexpected(store_failure(check.error(), environment));
  const auto begun = read_meta(environment, kRotationKey);
  if (!begun) return std::unexpected(store_failure(begun.error(), environment));
  if (*begun && rotation == Rotation::kRefused) {
    if (const auto state = parse_rotation_state(**begun))
      return std::unexpected(wrong_key(unfinished_rotation_text(*state, environment.path())));
  }
  return std::move(*check);
}

// `failure`, and which key is wanted where the database knows it.
StartFailure no_key(StartFailure failure, const std::optional<std::string>& check,
                    const StoreEnvironment& environment) {
  if (!check) return failure;
  const auto key = KeyCheck::key_of(*check);
  failure.text += fmt::format(
      "  {} belongs to the master key {}.\n"
      "  To mend it: put its file back, or set SIDECAR_ENCRYPTION_KEY to it (docs/KEYS.md).\n"
      "  Nothing was changed in the database.\n",
      environment.path(), key ? key->text() : "of a key check that is damaged");
  return failure;
}

struct FoundKey {
  MasterKey key;
  std::string origin;
};

std::expected<FoundKey, StartFailure> find_master_key(const StoreConfig& config,
                                                      const Environment& env, bool may_make) {
  const auto given = env.find("SIDECAR_ENCRYPTION_KEY");
  std::string origin = config.key_file;
  auto key = [&]() -> std::expected<MasterKey, std::string> {
    if (!config.key_file.empty()) return MasterKey::read_file(config.key_file);
    if (given && !given->empty()) {
      origin = "SIDECAR_ENCRYPTION_KEY";
      return MasterKey::parse(*given, origin);
    }
    origin = made_key_file(config);
    if (access(origin.c_str(), F_OK) == 0 || !may_make) return MasterKey::read_file(origin);
    return MasterKey::generate();
  }();
  if (!key) return std::unexpected(wrong_key(key.error()));
  return FoundKey{std::move(*key), std::move(origin)};
}

}  // namespace

std::string made_key_file(const StoreConfig& config) { return config.directory + "/master.key"; }

std::string next_key_file(const std::string& path) { return path + ".new"; }

std::expected<void, StartFailure> prepare_key_file(const std::string& path, const MasterKey& key) {
  const std::string next = next_key_file(path);
  // Of the same rotation, cut off before.
  if (const auto there = MasterKey::read_file(next); there && there->id() == key.id()) return {};
  unlink(next.c_str());
  if (auto written = write_key_file(next, key); !written) return written;
  return sync_key_folder(path);
}

std::expected<void, StartFailure> replace_key_file(const std::string& path) {
  const std::string next = next_key_file(path);
  if (std::rename(next.c_str(), path.c_str()) == 0) return sync_key_folder(path);
  return std::unexpected(StartFailure{EX_CANTCREAT, fmt::format("{}: {}; put {} in its place\n",
                                                                path, std::strerror(errno), next)});
}

StoreResult<std::optional<std::string>> read_meta(StoreEnvironment& environment,
                                                  std::string_view key) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  const auto value = transaction->get(Table::kMeta, key);
  if (!value) return store_fail(value.error());
  if (!*value) return std::nullopt;
  return std::string(**value);
}

std::expected<KeyRing, StartFailure> open_key_ring(const StoreConfig& config,
                                                   const Environment& env, Writer& writer,
                                                   std::int64_t now_unix_ms, Rotation rotation) {
  StoreEnvironment& environment = writer.environment();
  const auto check = read_key_check(environment, rotation);
  if (!check) return std::unexpected(check.error());
  auto found = find_master_key(config, env, !*check);
  if (!found) return std::unexpected(no_key(found.error(), *check, environment));
  if (*check) {
    auto checked = KeyCheck::check(found->key, **check);
    if (!checked && found->origin == made_key_file(config)) {
      // A rotation that ended before the file was put in its place.
      auto next = MasterKey::read_file(next_key_file(found->origin));
      if (next && KeyCheck::check(*next, **check)) {
        found->key = std::move(*next);
        checked = KeyCheck::check(found->key, **check);
        if (auto replaced = replace_key_file(found->origin); !replaced)
          return std::unexpected(replaced.error());
      }
    }
    if (!checked)
      return std::unexpected(wrong_key(checked.error().text(found->origin, environment.path())));
  } else {
    const bool made =
        found->origin == made_key_file(config) && access(found->origin.c_str(), F_OK) != 0;
    if (made) {
      if (auto written = write_key_file(found->origin, found->key); !written)
        return std::unexpected(written.error());
      if (auto synced = sync_key_folder(found->origin); !synced)
        return std::unexpected(synced.error());
    }
    const std::string value = KeyCheck::make(found->key, now_unix_ms);
    const auto put = writer.transact([&value](WriteTransaction& transaction) {
      return transaction.put(Table::kMeta, kKeyCheckKey, value);
    });
    if (!put) return std::unexpected(store_failure(put.error(), environment));
  }
  Vault vault(found->key);
  return KeyRing{std::move(found->key), std::move(vault), std::move(found->origin)};
}

std::expected<Vault, StartFailure> open_vault(const StoreConfig& config, const Environment& env,
                                              StoreEnvironment& environment) {
  const auto check = read_key_check(environment, Rotation::kRefused);
  if (!check) return std::unexpected(check.error());
  const auto found = find_master_key(config, env, false);
  if (!found) return std::unexpected(no_key(found.error(), *check, environment));
  if (*check) {
    const auto checked = KeyCheck::check(found->key, **check);
    if (!checked)
      return std::unexpected(wrong_key(checked.error().text(found->origin, environment.path())));
  }
  return Vault(found->key);
}

}  // namespace sluice
