#include <fmt/format.h>
#include <sysexits.h>
#include <CLI/CLI.hpp>

#include <cstdio>

#include "engine/build_snapshot.h"
#include "engine/cli/commands.h"
#include "engine/cli/config_options.h"
#include "engine/cli/store_access.h"
#include "engine/config/check.h"
#include "engine/config/show.h"
#include "store/catalog.h"

namespace sluice {
namespace {

std::string counted(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// What is known only with the store: whether client keys guard what can be reached.
int check_guarded(const Config& config, StoreEnvironment& environment) {
  const auto clients = list_client_keys(environment);
  if (!clients) return store_failed(clients.error(), environment);
  const std::string unguarded = why_unguarded(config, !clients->empty());
  if (unguarded.empty()) return EX_OK;
  fmt::print(stderr, "sluice check-config: {}\n", unguarded);
  return EX_CONFIG;
}

// Reads what the files that the configuration names hold, too, as `sluice serve` does.
int report_sound(const Config& config) {
  if (const auto snapshot = build_snapshot(config, nullptr, nullptr); !snapshot) {
    fmt::print(stderr, "sluice check-config: {}", snapshot.error().text());
    return EX_CONFIG;
  }
  if (has_store(config)) {
    const int guarded = read_store(config, check_guarded);
    if (guarded != EX_OK) return guarded;
  }
  std::string listen;
  for (const ListenAddress& address : config.listen)
    listen += (listen.empty() ? "" : ", ") + address.text();
  return print_out(fmt::format("{}: ok, {}, {}, listening on {}\n",
                               config.file.empty() ? "environment" : config.file,
                               counted(config.accounts.size(), "account"),
                               counted(config.clients.size(), "client key"), listen));
}

}  // namespace

void add_check_config_command(CommandLine& line) {
  CLI::App* const command =
      line.app.add_subcommand("check-config", "say everything that is wrong with a configuration");
  command->footer(
      "Exits with 0 when `sluice serve` with the same flags would accept the configuration, and\n"
      "with 78 when not (64 when it is a flag's value); warnings do not change that.\n\n"
      "Example:\n"
      "  sluice check-config -c /etc/sluice/sluice.yaml && systemctl reload sluice");
  const auto options = add_config_options(*command);
  command->callback([&line, options] {
    line.chosen = [options] { return with_config(*options, Purpose::kServe, report_sound); };
  });
}

void add_config_command(CommandLine& line) {
  CLI::App* const config = line.app.add_subcommand("config", "look at the configuration");
  config->require_subcommand(1);
  CLI::App* const show = config->add_subcommand(
      "show", "print the effective configuration as YAML, each value with its origin");
  show->footer(
      "Secrets are shown as their first 6 and last 4 characters, those of less than 24 as their\n"
      "first 2.\n\n"
      "Examples:\n"
      "  sluice config show -c my.yaml\n"
      "  SLUICE_LOG_LEVEL=debug sluice config show | grep -A2 log:");
  const auto options = add_config_options(*show);
  show->callback([&line, options] {
    line.chosen = [options] {
      return with_config(*options, Purpose::kShow,
                         [](const Config& config) { return print_out(show_config(config)); });
    };
  });
}

void add_version_command(CommandLine& line) {
  CLI::App* const command = line.app.add_subcommand("version", "print the version");
  command->callback(
      [&line] { line.chosen = [] { return print_out("sluice " SLUICE_VERSION "\n"); }; });
}

}  // namespace sluice
