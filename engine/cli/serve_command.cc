#include <CLI/CLI.hpp>

#include "engine/cli/commands.h"
#include "engine/cli/config_options.h"

namespace sluice {
namespace {

constexpr const char* kFooter =
    R"(Without -c the file is $SLUICE_CONFIG, else ./sluice.yaml, else /etc/sluice/sluice.yaml;
without any of them the environment must give an account (SIDECAR_UPSTREAM and SIDECAR_API_KEY).

Signals:
  SIGTERM, SIGINT  stop accepting, let what runs finish (drain.grace), exit 0
  SIGHUP           read the configuration and /etc/hosts again; a wrong file changes nothing

Examples:
  sluice serve
  sluice serve -c my.yaml --listen 127.0.0.1:8080 --listen "[::1]:8080"
  SIDECAR_UPSTREAM=https://api.example.com/v1 SIDECAR_API_KEY=file:/run/secrets/key sluice serve)";

}  // namespace

void add_serve_command(CommandLine& line) {
  CLI::App* const command = line.app.add_subcommand("serve", "run the gateway");
  command->footer(kFooter);
  const auto options = add_config_options(*command);
  command->callback([&line, options] {
    line.chosen = [options] { return with_config(*options, Purpose::kServe, run_serve); };
  });
}

}  // namespace sluice
