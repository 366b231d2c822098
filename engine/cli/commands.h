#pragma once

#include <string>
#include <vector>

#include "engine/cli/command_line.h"

namespace sluice {

struct Config;

// What the commands do; each returns an exit code of sysexits.h. They are defined where their parts
// are (engine/server.cc, tools/mock), and linked only when the command is in main's table.

// Serves until SIGTERM or SIGINT.
[[nodiscard]] int run_serve(const Config& config);

struct DemoOptions {
  std::vector<std::string> listen;  // empty: 127.0.0.1:9190
};
// A gateway in front of mock providers, with nothing to configure.
[[nodiscard]] int run_demo(const DemoOptions& options);

// The commands, for main's table.
void add_serve_command(CommandLine& line);  // calls run_serve
void add_demo_command(CommandLine& line);   // calls run_demo
void add_mock_command(CommandLine& line);   // calls run_mock of tools/mock
void add_bench_command(CommandLine& line);  // engine/load
void add_check_config_command(CommandLine& line);
void add_config_command(CommandLine& line);    // config show
void add_simulate_command(CommandLine& line);  // see simulate.h
void add_providers_command(CommandLine& line);
void add_clients_command(CommandLine& line);
void add_keys_command(CommandLine& line);
void add_usage_command(CommandLine& line);
void add_import_command(CommandLine& line);
void add_store_commands(CommandLine& line);  // backup, restore, store check
void add_version_command(CommandLine& line);

}  // namespace sluice
