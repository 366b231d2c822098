#include <fmt/format.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cerrno>

#include "admin/key_ring.h"
#include "admin/stored_entries.h"
#include "engine/cli/commands.h"
#include "engine/cli/read_apart.h"
#include "engine/cli/store_access.h"
#include "engine/config/expand.h"
#include "store/backup.h"
#include "store/backup_digest.h"
#include "store/catalog.h"
#include "store/check.h"

namespace sluice {
namespace {

constexpr const char* kRotateFooter = R"(
Every provider key in the store is encrypted anew. May be interrupted and run again with the same
key, or with none (< /dev/null) where sluice keeps the keys itself: it goes on where it stopped.
Beside a running gateway too, which goes on with the new key; at its next start it must be given
that key.

Example:
  (umask 077; openssl rand -hex 32 > key-2026) && sluice keys rotate < key-2026)";

constexpr const char* kRestoreFooter = R"(
Only looks: the backup is held against its .sha256, where that lies beside it, then opened, and
every row of it is read. To restore it, stop the gateway, copy the file over data.mdb in
store.directory, and remove data.mdb-lock and journal/ beside it.

Example:
  sluice restore --dry-run sluice-data/backups/sluice-20260131T081500Z.mdb)";

int print_report(const CheckReport& report, const std::string& what) {
  std::string text;
  for (const CheckFault& fault : report.told) {
    text += fmt::format("{}{}{}: {}\n", table_name(fault.table), fault.key.empty() ? "" : " ",
                        fault.key, fault.text);
  }
  text += fmt::format("{}: {} rows, {} faults\n", what, report.rows, report.faults);
  const int printed = print_out(text);
  return report.good() ? printed : EX_DATAERR;
}

// Where the master key is at hand: whether it opens the key of each account.
StoreResult<void> check_keys(const Config& config, StoreEnvironment& environment,
                             CheckReport& report) {
  const auto accounts = list_accounts(environment);
  if (!accounts) return store_fail(accounts.error());
  if (accounts->empty()) return {};
  const auto vault = open_vault(config.store, ProcessEnvironment(), environment);
  if (!vault) {
    fmt::print(stderr, "sluice: the keys of the accounts are not opened: {}", vault.error().text);
    return {};
  }
  for (const StoredAccount& account : *accounts) {
    const auto key = open_api_key(account, *vault);
    if (key) continue;
    report.add({.table = Table::kAccounts,
                .key = {},
                .text = fmt::format("'{}': {}", account.name, explain(key.error(), account))});
  }
  return {};
}

int check(const Config& config, StoreEnvironment& environment) {
  auto report = check_store(environment);
  if (!report) return store_failed(report.error(), environment);
  if (const auto checked = check_keys(config, environment, *report); !checked)
    return store_failed(checked.error(), environment);
  return print_report(*report, environment.path());
}

// Beside a running gateway or not.
int check_apart(const ConfigOptions& options) {
  return with_config(options, Purpose::kShow, [](const Config& config) {
    return read_apart(config.store.directory + "/data.mdb",
                      "stop the gateway and restore a backup (sluice restore --help)",
                      [&config] { return read_store(config, check); });
  });
}

// First by its digest, where it has one, without a look into it.
int check_backup(const std::string& file) {
  if (access(file.c_str(), F_OK) != 0) {
    fmt::print(stderr, "sluice: {}: {}\n", file, strerror(errno));
    return EX_NOINPUT;
  }
  const auto digest = check_digest(file);
  if (digest && *digest == DigestVerdict::kDiffers) {
    fmt::print(stderr,
               "sluice: {0} is damaged: it is not what {0}.sha256 says; restore another backup\n",
               file);
    return EX_DATAERR;
  }
  return read_apart(file, "restore another backup", [&file, &digest] {
    const auto report = verify_backup(file);
    if (!report) {
      fmt::print(stderr, "sluice: {}\n", explain(report.error(), file));
      return EX_DATAERR;
    }
    const bool by_digest = digest && *digest == DigestVerdict::kMatches;
    return print_report(*report, file + (by_digest ? ": as its SHA-256 says" : ""));
  });
}

// A copy that somebody asked for takes none away: the gateway's own does, by its rule.
int make_backup(const Config& config, StoreEnvironment& environment) {
  constexpr int kSameSecondMax = 5;  // copies are named by the second: the day's may just be made
  auto made = StoreResult<BackupResult>(store_fail(StoreErrc::kExists));
  for (int i = 0; i < kSameSecondMax && !made && made.error().code == StoreErrc::kExists; ++i) {
    made =
        back_up(environment, config.store.backup_directory, SystemClock().unix_ms() + i * 1000, 0);
  }
  if (!made) {
    fmt::print(stderr, "sluice: {}\n", explain(made.error(), config.store.backup_directory));
    return EX_CANTCREAT;
  }
  return print_out(made->path + "\n");
}

int show_keys(const Config& config, StoreEnvironment& environment) {
  const auto accounts = list_accounts(environment);
  if (!accounts) return store_failed(accounts.error(), environment);
  const auto rotation = read_meta(environment, kRotationKey);
  if (!rotation) return store_failed(rotation.error(), environment);
  std::map<std::string, std::size_t> by_key;
  for (const StoredAccount& account : *accounts) {
    const auto key = Vault::sealed_under(account.api_key_sealed);
    ++by_key[key ? key->text() : "none that this version knows"];
  }
  std::string text =
      fmt::format("{} provider keys in {}\n", accounts->size(), config.store.directory);
  for (const auto& [key, count] : by_key)
    text += fmt::format("  {} encrypted under master key {}\n", count, key);
  if (*rotation) text += "a rotation has begun and not ended: run keys rotate with the same key\n";
  return print_out(text);
}

}  // namespace

void add_keys_command(CommandLine& line) {
  CLI::App& group = *line.app.add_subcommand("keys", "the master key that encrypts provider keys");
  group.require_subcommand(1);
  add_store_action(line, group, "status", "which master key the store's keys are encrypted under",
                   [](const ConfigOptions& config) { return with_store(config, show_keys); });
  add_store_action(line, group, "rotate", "encrypt all of them under a new one, from stdin",
                   [](const ConfigOptions& config) {
                     auto key = read_secret("new master key");
                     if (!key) return EX_DATAERR;
                     return change_store(config, {.command = "keys.rotate",
                                                  .args = nlohmann::json::object(),
                                                  .secret = std::move(*key)});
                   })
      ->footer(kRotateFooter);
}

void add_store_commands(CommandLine& line) {
  add_store_action(line, line.app, "backup", "copy the store now, beside a running gateway or not",
                   [](const ConfigOptions& config) { return with_store(config, make_backup); });
  const auto file = std::make_shared<std::string>();
  const auto dry = std::make_shared<bool>(false);
  CLI::App* const restore =
      line.app.add_subcommand("restore", "check that a backup can be restored");
  restore->footer(kRestoreFooter);
  restore->add_option("file", *file, "a backup")->required();
  restore->add_flag("--dry-run", *dry, "only look")->required();
  restore->callback([&line, file, dry] {  // `dry`: the parser writes there
    line.chosen = [file] { return check_backup(*file); };
  });
  CLI::App& group = *line.app.add_subcommand("store", "the data directory");
  group.require_subcommand(1);
  add_store_action(line, group, "check", "read every row and hold the sums against each other",
                   check_apart);
}

}  // namespace sluice
