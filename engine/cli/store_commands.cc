#include <fmt/format.h>
#include <sysexits.h>
#include <CLI/CLI.hpp>

#include "admin/key_ring.h"
#include "engine/cli/commands.h"
#include "engine/cli/store_access.h"
#include "store/backup.h"
#include "store/catalog.h"
#include "store/check.h"

namespace sluice {
namespace {

constexpr const char* kRotateFooter = R"(
Every provider key in the store is encrypted anew. May be interrupted and run again with the same
key: it goes on where it stopped. Beside a running gateway too, which goes on with the new key; at
its next start it must be given that key.

Example:
  openssl rand -hex 32 > new.key && sluice keys rotate < new.key)";

constexpr const char* kRestoreFooter = R"(
Only looks: the backup is opened and every row of it is read. To restore it, stop the gateway,
copy the file over data.mdb in store.directory, and remove data.mdb-lock and journal/ beside it.

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

int check(const Config&, StoreEnvironment& environment) {
  const auto report = check_store(environment);
  if (!report) return store_failed(report.error(), environment);
  return print_report(*report, environment.path());
}

int make_backup(const Config& config, StoreEnvironment& environment) {
  const auto made = back_up(environment, config.store.backup_directory, SystemClock().unix_ms(),
                            std::max(config.store.backups_keep, 1u));
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
                     return change_store(config, {.command = "keys.rotate",
                                                  .args = nlohmann::json::object(),
                                                  .secret = read_secret("new master key")});
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
  restore->callback([&line, file] {
    line.chosen = [file] {
      const auto report = verify_backup(*file);
      if (report) return print_report(*report, *file);
      fmt::print(stderr, "sluice: {}\n", explain(report.error(), *file));
      return EX_DATAERR;
    };
  });
  CLI::App& group = *line.app.add_subcommand("store", "the data directory");
  group.require_subcommand(1);
  add_store_action(line, group, "check", "read every row and hold the sums against each other",
                   [](const ConfigOptions& config) { return with_store(config, check); });
}

}  // namespace sluice
