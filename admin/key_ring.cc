#include "admin/key_ring.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "store/vault/key_check.h"
#include "store/vault/rotation.h"

namespace sluice {
namespace {

StartFailure wrong_key(std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  return {EX_CONFIG, std::move(text)};
}

StartFailure store_failure(const StoreError& error, const Writer& writer) {
  return {EX_DATAERR, explain(error, writer.environment().path()) + "\n"};
}

// Writes a new key where only its owner can read it. Nothing is overwritten.
std::expected<void, StartFailure> write_key_file(const std::string& path, const MasterKey& key) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  const auto failed = [&path] {
    return std::unexpected(StartFailure{
        EX_CANTCREAT, fmt::format("cannot write the master key to {}: {}; give one with "
                                  "SIDECAR_ENCRYPTION_KEY or store.key_file\n",
                                  path, std::strerror(errno))});
  };
  if (fd < 0) return failed();
  const Secret digits = key.digits();
  const std::string_view text = digits.reveal();
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       write(fd, "\n", 1) == 1 && fsync(fd) == 0;
  const int os_errno = errno;
  close(fd);
  if (written) return {};
  unlink(path.c_str());
  errno = os_errno;
  return failed();
}

std::string next_key_file(const std::string& path) { return path + ".new"; }

// So that a name in the folder outlasts a loss of power.
std::expected<void, StartFailure> sync_folder_of(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int os_errno = errno;
  if (fd >= 0) close(fd);
  if (synced) return {};
  return std::unexpected(
      StartFailure{EX_IOERR, fmt::format("cannot sync {}: {}\n", folder, std::strerror(os_errno))});
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

std::expected<void, StartFailure> prepare_key_file(const std::string& path, const MasterKey& key) {
  const std::string next = next_key_file(path);
  // Of the same rotation, cut off before.
  if (const auto there = MasterKey::read_file(next); there && there->id() == key.id()) return {};
  unlink(next.c_str());
  if (auto written = write_key_file(next, key); !written) return written;
  return sync_folder_of(path);
}

std::expected<void, StartFailure> replace_key_file(const std::string& path) {
  const std::string next = next_key_file(path);
  if (std::rename(next.c_str(), path.c_str()) == 0) return sync_folder_of(path);
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
  const auto check = read_meta(environment, kKeyCheckKey);
  if (!check) return std::unexpected(store_failure(check.error(), writer));
  const auto begun = read_meta(environment, kRotationKey);
  if (!begun) return std::unexpected(store_failure(begun.error(), writer));
  if (*begun && rotation == Rotation::kRefused) {
    if (const auto state = parse_rotation_state(**begun))
      return std::unexpected(wrong_key(unfinished_rotation_text(*state, environment.path())));
  }
  auto found = find_master_key(config, env, !*check);
  if (!found) return std::unexpected(found.error());
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
      if (auto synced = sync_folder_of(found->origin); !synced)
        return std::unexpected(synced.error());
    }
    const std::string value = KeyCheck::make(found->key, now_unix_ms);
    const auto put = writer.transact([&value](WriteTransaction& transaction) {
      return transaction.put(Table::kMeta, kKeyCheckKey, value);
    });
    if (!put) return std::unexpected(store_failure(put.error(), writer));
  }
  Vault vault(found->key);
  return KeyRing{std::move(found->key), std::move(vault), std::move(found->origin)};
}

}  // namespace sluice
