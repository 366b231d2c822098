#include <fmt/format.h>
#include <sysexits.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <thread>

#include "base/draw.h"
#include "base/units.h"
#include "engine/cli/commands.h"
#include "engine/cli/config_options.h"
#include "engine/cli/simulate.h"
#include "engine/config/build_directory.h"
#include "engine/simulate/simulation.h"

namespace sluice {
namespace {

constexpr const char* kFooter = R"(
Nothing is sent anywhere: providers are simulated, one for each account, with the account's limit.
Beside the gateway's result stands that of plain round robin over the primary accounts, without
limits and without retries: what a reverse proxy does.

Examples:
  sluice simulate -c my.yaml --traffic "rate=600rpm; shape=diurnal; peak=3"
  sluice simulate -c my.yaml --duration 30d --traffic @next-month.txt
  sluice simulate -c my.yaml --json --traffic \
    "rate=10/s; shape=bursts; burst=30s/5min; priorities=urgent:5,normal:95; providers=minute")";

constexpr Duration kJitter = 20ms;  // of the network, on the way to a provider

int fail(const std::string& text, int exit_code) {
  fmt::print(stderr, "sluice simulate: {}\n", text);
  return exit_code;
}

// "" when the traffic fits the configuration.
std::string complete(TrafficSpec& spec, const Directory& directory) {
  Traffic& traffic = spec.traffic;
  if (!spec.names_models && !directory.model_names.empty()) {
    traffic.models = directory.model_names;
    traffic.model_shares.assign(traffic.models.size(), 1);
  }
  for (const std::string& model : traffic.models) {
    if (directory.find_route(model) == nullptr)
      return fmt::format("--traffic: models: no account serves \"{}\"", model);
  }
  for (const TrafficSpec::Outage& outage : spec.outages) {
    bool known = false;
    for (const auto& account : directory.accounts) known = known || account->name == outage.account;
    if (!known) return fmt::format("--traffic: outage: there is no account \"{}\"", outage.account);
  }
  return "";
}

// What the configuration says and a simulation has no part for.
std::vector<std::string> beyond_simulation(const Config& config, const Directory& directory) {
  std::vector<std::string> keys;
  const auto note = [&keys](bool used, const char* key) {
    if (used) keys.emplace_back(key);
  };
  note(std::ranges::any_of(config.clients,
                           [](const ClientConfig& client) {
                             return client.rpm_limit + client.tpm_limit + client.concurrent_limit >
                                    0;
                           }),
       "limits of clients");
  note(std::ranges::any_of(directory.accounts,
                           [](const auto& account) { return account->learn_limits; }),
       "learn_limits");
  note(directory.routing.hedge.after > Duration::zero(), "hedge");
  note(directory.routing.affinity != Affinity::kOff, "routing.affinity");
  return keys;
}

ProviderModel provider_of(const Account& account, const TrafficSpec& spec) {
  ProviderModel provider;
  provider.account = account.name;
  provider.counting = spec.counting;
  provider.limit = static_cast<std::uint32_t>(
      std::max(1.0, std::floor(account.rpm_limit * spec.provider_limit)));
  provider.window = account.window;
  provider.tokens_limit =
      static_cast<std::uint64_t>(std::floor(account.tpm_limit * spec.provider_limit));
  provider.tells_retry_after = spec.retry_after;
  provider.latency_s = spec.latency_s;
  provider.tokens_per_second = spec.tokens_per_second;
  provider.error_share = spec.error_share;
  provider.stall_share = spec.stall_share;
  for (const TrafficSpec::Outage& outage : spec.outages) {
    if (outage.account != account.name) continue;
    const Instant from = SimulationPlan::kStart + outage.from;
    provider.spells.push_back(
        {.from = from, .until = from + outage.length, .trouble = Trouble::kServerErrors});
  }
  return provider;
}

Tally simulate(std::shared_ptr<const Directory> directory, const TrafficSpec& spec,
               const SimulateOptions& options, Duration duration, bool plain) {
  SimulationPlan plan;
  plan.seed = options.seed;
  plan.duration = duration;
  plan.traffic = spec.traffic;
  for (const auto& account : directory->accounts)
    plan.providers.push_back(provider_of(*account, spec));
  plan.directory = std::move(directory);
  plan.jitter_max = kJitter;
  plan.plain_round_robin = plain;
  Rules rules;
  Observer nobody;
  Simulation simulation(std::move(plan), rules, nobody);
  simulation.run();
  return simulation.tally();
}

}  // namespace

int run_simulate(const Config& config, const SimulateOptions& options) {
  const std::optional<Duration> duration = parse_duration(options.duration);
  constexpr Duration kLongest = 24h * 366;
  if (!duration || *duration <= 0s || *duration > kLongest)
    return fail(
        fmt::format("--duration: \"{}\" is wrong; expected a duration like 30d, at most 366d",
                    options.duration),
        EX_USAGE);
  auto spec = parse_traffic(options.traffic);
  if (!spec) return fail(spec.error(), EX_USAGE);
  // Each run begins with accounts of its own that have spent nothing.
  auto ours = build_directory(config, SimulationPlan::kStart);
  auto plain = build_directory(config, SimulationPlan::kStart);
  if (!ours || !plain) return fail("the configuration's accounts are wrong", EX_CONFIG);
  if (const std::string why = complete(*spec, **ours); !why.empty()) return fail(why, EX_USAGE);
  SimulateResult result{.options = options, .duration = *duration, .ours = {}, .plain = {}};
  result.not_simulated = beyond_simulation(config, **ours);
  {
    const std::jthread beside(
        [&] { result.plain = simulate(std::move(*plain), *spec, options, *duration, true); });
    result.ours = simulate(*ours, *spec, options, *duration, false);
  }
  const double seconds = in_seconds(std::max(result.ours.lasted, *duration));
  for (const auto& account : (*ours)->accounts) {
    // A limit's worth for each window that has begun.
    const double windows = std::ceil(seconds / in_seconds(account->window));
    result.room.push_back(account->enabled ? account->rpm_limit * windows : 0);
  }
  return print_out(options.json ? simulate_json(result) : simulate_text(result));
}

void add_simulate_command(CommandLine& line) {
  CLI::App* const command = line.app.add_subcommand(
      "simulate", "try a configuration on virtual traffic: what would be served, waited, refused");
  command->footer(traffic_help() + kFooter);
  const auto config = std::make_shared<ConfigOptions>();
  const auto options = std::make_shared<SimulateOptions>();
  command->add_option("-c,--config", config->file, "the configuration file")->type_name("FILE");
  command->add_option("--traffic", options->traffic, "what clients send (default: rate=60rpm)")
      ->type_name("TRAFFIC");
  command->add_option("--duration", options->duration, "how long, virtually (default: 24h)")
      ->type_name("DURATION");
  command->add_option("--seed", options->seed, "the same seed gives the same run (default: 1)")
      ->type_name("N");
  command->add_flag("--json", options->json, "print JSON");
  command->callback([&line, config, options] {
    line.chosen = [config, options] {
      return with_config(*config, Purpose::kShow, [&options](const Config& loaded) {
        return run_simulate(loaded, *options);
      });
    };
  });
}

}  // namespace sluice
