#include <fmt/format.h>
#include <sysexits.h>
#include <CLI/CLI.hpp>

#include "admin/stored_entries.h"
#include "engine/cli/commands.h"
#include "engine/cli/probe_providers.h"
#include "engine/cli/store_access.h"
#include "store/catalog.h"

namespace sluice {
namespace {

constexpr const char* kAddFooter = R"(
The key is read from stdin, so that it stands in no list of processes and no shell history. A
provider that wants none, as one on this machine may, takes --no-key.

Examples:
  sluice providers add team-a --url https://api.example.com/v1 --rpm 40 < key.txt
  sluice providers add team-b --url https://api.example.com/v1 --set tpm_limit=100000
  printf %s "$KEY" | sluice providers add team-c --url https://api.example.com/v1 --model gpt-4o)";

constexpr const char* kImportFooter = R"(
The file is read from stdin (docs/COMPAT.md has its form): all of it is taken, or nothing.

Example:
  sluice providers import < providers.yaml)";

constexpr const char* kTestFooter = R"(
Costs nothing: it is a GET of base_url/models. Ends with 0 when every key is accepted, 77 when a
provider refuses one, 69 when there is no answer, or one that says nothing of the key.

Examples:
  sluice providers test team-a
  sluice providers test --all)";

using Json = nlohmann::json;

struct AddOptions {
  std::string name, url, pool, rpm;
  std::vector<std::string> models, settings;
  bool no_key = false;
};

// "a=b" as {a: b}; without '=' the name stands for itself.
void put_pair(Json& object, const std::string& text, bool alone) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos && !alone)
    throw CLI::ValidationError("--set", text + ": expected key=value");
  object[text.substr(0, equals)] = equals == std::string::npos ? text : text.substr(equals + 1);
}

AdminCall add_call(const AddOptions& options) {
  Json fields = {{"name", options.name}, {"base_url", options.url}};
  if (!options.pool.empty()) fields["pool"] = options.pool;
  if (!options.rpm.empty()) fields["rpm_limit"] = options.rpm;
  for (const std::string& setting : options.settings) put_pair(fields, setting, false);
  Json models = Json::object();
  for (const std::string& model : options.models) put_pair(models, model, true);
  return {.command = "providers.add",
          .args = {{"fields", std::move(fields)}, {"models", std::move(models)}},
          .secret = {}};
}

int add_provider(const ConfigOptions& config, const AddOptions& options) {
  AdminCall call = add_call(options);
  if (options.no_key) return change_store(config, call);
  auto key = read_secret("API key of " + options.name);
  if (!key) return EX_DATAERR;
  if (key->empty()) {
    fmt::print(stderr,
               "sluice: no key was given on stdin; say --no-key for a provider that wants none\n");
    return EX_DATAERR;
  }
  call.secret = std::move(*key);
  return change_store(config, call);
}

int list_providers(const Config& config, StoreEnvironment& environment) {
  const auto accounts = list_accounts(environment);
  if (!accounts) return store_failed(accounts.error(), environment);
  std::string text =
      fmt::format("{:<24}{:<10}{:>8}  {:<8}{}\n", "name", "pool", "rpm", "from", "base URL");
  for (const AccountConfig& account : config.accounts) {
    text += fmt::format("{:<24}{:<10}{:>8}  {:<8}{}\n", account.name, pool_text(account.pool),
                        account.rpm_limit, "file", account.base_url);
  }
  for (const StoredAccount& account : *accounts) {
    const char* const pool = account.pool == StoredPool::kPrimary ? "primary" : "fallback";
    const auto rpm = overrides_of(account).rpm_limit.value_or(config.account_defaults.rpm_limit);
    text += fmt::format("{:<24}{:<10}{:>8}  {:<8}{}\n", account.name, pool, rpm,
                        account.source == AccountSource::kImport ? "import" : "store",
                        account.api_base_url);
  }
  return print_out(text);
}

int test_providers(const ConfigOptions& options, const std::vector<std::string>& names, bool all) {
  if (names.empty() != all) {
    fmt::print(stderr, "sluice: providers test: name accounts, or say --all\n");
    return EX_USAGE;
  }
  return with_entries(options, [&names](const Config& config, const StoredEntries& stored) {
    return probe_providers(config, stored, names);
  });
}

void add_test(CommandLine& line, CLI::App& group) {
  const auto names = std::make_shared<std::vector<std::string>>();
  const auto all = std::make_shared<bool>(false);
  CLI::App* const testing = add_store_action(
      line, group, "test", "ask providers for their models, with the accounts' keys",
      [names, all](const ConfigOptions& config) { return test_providers(config, *names, *all); });
  testing->footer(kTestFooter);
  testing->add_option("name", *names, "accounts, the file's or the store's");
  testing->add_flag("--all", *all, "every account");
}

}  // namespace

void add_providers_command(CommandLine& line) {
  CLI::App& group = *line.app.add_subcommand(
      "providers", "accounts at providers that are kept in the store, beside the file's");
  group.require_subcommand(1);
  add_store_action(line, group, "list", "all accounts, the file's and the store's",
                   [](const ConfigOptions& config) { return with_store(config, list_providers); });
  const auto add = std::make_shared<AddOptions>();
  CLI::App* const adding =
      add_store_action(line, group, "add", "add an account; its key comes from stdin",
                       [add](const ConfigOptions& config) { return add_provider(config, *add); });
  adding->footer(kAddFooter);
  adding->add_option("name", add->name, "unique among all accounts")->required();
  adding->add_option("--url", add->url, "base URL")->required();
  adding->add_option("--pool", add->pool, "primary or fallback (default: primary)");
  adding->add_option("--rpm", add->rpm, "requests a minute (default: account_defaults)");
  adding->add_option("--model", add->models, "our name, or our=theirs; without: every model")
      ->type_name("NAME");
  adding->add_flag("--no-key", add->no_key, "the provider wants none; stdin is not read");
  adding->add_option("--set", add->settings, "any other key of an account")->type_name("KEY=VALUE");
  add_test(line, group);
  const auto name = std::make_shared<std::string>();
  add_store_action(line, group, "remove", "remove an account; what it used stays",
                   [name](const ConfigOptions& config) {
                     return change_store(
                         config,
                         {.command = "providers.remove", .args = {{"name", *name}}, .secret = {}});
                   })
      ->add_option("name", *name)
      ->required();
  add_store_action(line, group, "import", "add all accounts of a provider file",
                   [](const ConfigOptions& config) {
                     auto file = read_secret("provider file", kSecretFileBytesMax);
                     if (!file) return EX_DATAERR;
                     return change_store(config, {.command = "providers.import",
                                                  .args = Json::object(),
                                                  .secret = std::move(*file)});
                   })
      ->footer(kImportFooter);
  const auto clear = std::make_shared<bool>(false);
  add_store_action(
      line, group, "export", "write the store's accounts as a provider file to stdout",
      [clear](const ConfigOptions& config) {
        return change_store(
            config, {.command = "providers.export", .args = {{"clear", *clear}}, .secret = {}});
      })
      ->add_flag("--with-keys", *clear, "the keys in clear; else masked");
}

}  // namespace sluice
