#include <csignal>

#include "engine/cli/commands.h"

int main(int argc, char** argv) {
  constexpr sluice::AddCommand kCommands[] = {
      sluice::add_serve_command,        sluice::add_demo_command,      sluice::add_mock_command,
      sluice::add_check_config_command, sluice::add_config_command,    sluice::add_simulate_command,
      sluice::add_bench_command,        sluice::add_providers_command, sluice::add_clients_command,
      sluice::add_keys_command,         sluice::add_usage_command,     sluice::add_store_commands,
      sluice::add_import_command,       sluice::add_version_command,
  };
  // A file at RLIMIT_FSIZE is an error of a write, as a full disk is: no reason to die.
  std::signal(SIGXFSZ, SIG_IGN);
  return sluice::run_command_line(argc, argv, kCommands);
}
