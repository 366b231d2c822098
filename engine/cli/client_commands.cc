#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "engine/cli/commands.h"
#include "engine/cli/store_access.h"
#include "store/catalog.h"

namespace sluice {
namespace {

constexpr const char* kCreateFooter = R"(
The key is printed once, on stdout; only its SHA-256 is kept.

Examples:
  sluice clients create web-app
  sluice clients create batch --rpm 60 --priority low --model small > batch.key)";

struct CreateOptions {
  std::string name, priority = "normal";
  std::uint32_t rpm = 0, tpm = 0, concurrent = 0;
  std::vector<std::string> models;
};

int list_clients(const Config& config, StoreEnvironment& environment) {
  const auto keys = list_client_keys(environment);
  if (!keys) return store_failed(keys.error(), environment);
  constexpr std::string_view kLine = "{:<24}{:<8}{:>8}{:>10}{:>12}  {}\n";
  std::string text = fmt::format(kLine, "name", "from", "rpm", "tpm", "concurrent", "state");
  for (const ClientConfig& client : config.clients) {
    text += fmt::format(kLine, client.name, "file", client.rpm_limit, client.tpm_limit,
                        client.concurrent_limit, "valid");
  }
  for (const StoredClientKey& key : *keys) {
    text += fmt::format(kLine, key.name, "store", key.rpm_limit, key.tpm_limit,
                        key.concurrent_limit, key.revoked_ms == 0 ? "valid" : "revoked");
  }
  return print_out(text);
}

AdminCall create_call(const CreateOptions& options) {
  return {.command = "clients.create",
          .args = {{"name", options.name},
                   {"rpm_limit", options.rpm},
                   {"tpm_limit", options.tpm},
                   {"concurrent_limit", options.concurrent},
                   {"models", options.models},
                   {"priority", options.priority}},
          .secret = {}};
}

}  // namespace

void add_clients_command(CommandLine& line) {
  CLI::App& group = *line.app.add_subcommand("clients", "the keys of your own clients");
  group.require_subcommand(1);
  add_store_action(line, group, "list", "all client keys, the file's and the store's",
                   [](const ConfigOptions& config) { return with_store(config, list_clients); });
  const auto create = std::make_shared<CreateOptions>();
  CLI::App* const creating = add_store_action(
      line, group, "create", "make a client key and print it",
      [create](const ConfigOptions& config) { return change_store(config, create_call(*create)); });
  creating->footer(kCreateFooter);
  creating->add_option("name", create->name, "unique among all client keys")->required();
  creating->add_option("--rpm", create->rpm, "requests a minute; 0: no limit");
  creating->add_option("--tpm", create->tpm, "tokens a minute; 0: no limit");
  creating->add_option("--concurrent", create->concurrent, "requests at once; 0: no limit");
  creating->add_option("--priority", create->priority, "urgent, high, normal or low");
  creating->add_option("--model", create->models, "only these; without: all");
  const auto name = std::make_shared<std::string>();
  add_store_action(line, group, "revoke", "a key that no request is served with any more",
                   [name](const ConfigOptions& config) {
                     return change_store(
                         config,
                         {.command = "clients.revoke", .args = {{"name", *name}}, .secret = {}});
                   })
      ->add_option("name", *name)
      ->required();
}

}  // namespace sluice
