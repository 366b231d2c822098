#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>

#include "engine/cli/commands.h"
#include "engine/cli/store_access.h"
#include "engine/route/client_spending.h"
#include "store/catalog.h"
#include "store/client_costs.h"
#include "store/usage_keys.h"

namespace sluice {
namespace {

constexpr const char* kCreateFooter = R"(
The key is printed once, on stdout; only its SHA-256 is kept.

Examples:
  sluice clients create web-app
  sluice clients create batch --rpm 60 --priority low --model small > batch.key
  sluice clients create guests --budget-usd 12.50 --budget-period month)";

struct CreateOptions {
  std::string name, priority = "normal", budget_period = "month";
  std::uint32_t rpm = 0, tpm = 0, concurrent = 0;
  double budget_usd = 0;
  std::vector<std::string> models;
};

// What all client keys have spent in the present day, month and in all, as the store has it: of
// periods for which some key has a budget.
using SpentByPeriod = std::array<ClientCosts, kBudgetPeriods>;
StoreResult<SpentByPeriod> spent_by_period(const Config& config,
                                           const std::vector<StoredClientKey>& keys,
                                           StoreEnvironment& environment) {
  bool wanted[kBudgetPeriods] = {};
  const auto note = [&wanted](const auto& client) {
    if (client.budget_nano_dollars > 0)
      wanted[static_cast<std::size_t>(client.budget_period)] = true;
  };
  std::ranges::for_each(config.clients, note);
  std::ranges::for_each(keys, note);
  SpentByPeriod spent;
  const std::int64_t unix_ms = SystemClock().unix_ms();
  for (std::size_t i = 0; i < kBudgetPeriods; ++i) {
    if (!wanted[i]) continue;
    const BudgetSpan span = budget_span(static_cast<BudgetPeriod>(i), unix_ms);
    auto costs = span.to_ms ? client_costs(environment, hour_of(span.from_ms), hour_of(*span.to_ms))
                            : client_costs(environment);
    if (!costs) return store_fail(costs.error());
    spent[i] = std::move(*costs);
  }
  return spent;
}

// "0.25 of 12.5 month"; "-" without a budget.
template <class Client>
std::string budget_text(const Client& client, const SpentByPeriod& spent) {
  if (client.budget_nano_dollars == 0) return "-";
  const auto period = static_cast<std::size_t>(client.budget_period);
  const auto found = spent[period].find(client.name);
  constexpr auto kNano = static_cast<double>(kNanoPerDollar);
  const double used = found == spent[period].end() ? 0.0 : static_cast<double>(found->second);
  return fmt::format("{:.2f} of {:.2f} {}", used / kNano,
                     static_cast<double>(client.budget_nano_dollars) / kNano,
                     kBudgetPeriodNames[period]);
}

int list_clients(const Config& config, StoreEnvironment& environment) {
  const auto keys = list_client_keys(environment);
  if (!keys) return store_failed(keys.error(), environment);
  const auto spent = spent_by_period(config, *keys, environment);
  if (!spent) return store_failed(spent.error(), environment);
  constexpr std::string_view kLine = "{:<24}{:<8}{:>8}{:>10}{:>12}{:>26}  {}\n";
  std::string text =
      fmt::format(kLine, "name", "from", "rpm", "tpm", "concurrent", "spent, dollars", "state");
  for (const ClientConfig& client : config.clients) {
    text += fmt::format(kLine, client.name, "file", client.rpm_limit, client.tpm_limit,
                        client.concurrent_limit, budget_text(client, *spent), "valid");
  }
  for (const StoredClientKey& key : *keys) {
    text +=
        fmt::format(kLine, key.name, "store", key.rpm_limit, key.tpm_limit, key.concurrent_limit,
                    budget_text(key, *spent), key.revoked_ms == 0 ? "valid" : "revoked");
  }
  return print_out(text);
}

AdminCall create_call(const CreateOptions& options) {
  return {.command = "clients.create",
          .args = {{"name", options.name},
                   {"rpm_limit", options.rpm},
                   {"tpm_limit", options.tpm},
                   {"concurrent_limit", options.concurrent},
                   {"budget_usd", options.budget_usd},
                   {"budget_period", options.budget_period},
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
  creating->add_option("--budget-usd", create->budget_usd,
                       "what its answers may cost in a period; 0: no budget");
  creating->add_option("--budget-period", create->budget_period, "day, month (UTC) or total");
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
