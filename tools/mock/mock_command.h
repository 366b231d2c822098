#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <string>
#include <vector>

namespace sluice {

// MockCommand - the options of `sluice mock` as they are written.
struct MockCommand {
  std::string listen = "127.0.0.1:0";
  std::string script_file, certificate_file, key_file;
  std::string latency = "0ms";
  std::string tokens = "16";
  std::string tokens_per_second = "0";
  std::string keep_alive;
  std::vector<std::string> behaviours, error_rates, key_limits;
  unsigned shards = 1;
  std::uint64_t seed = 1;
  std::size_t ledger_max = 1'000'000;
};

// Adds the options to `app`; they are written to `command`, which must outlive the parsing.
void add_mock_options(CLI::App& app, MockCommand& command);

// Serves until SIGTERM or SIGINT. Returns an exit code of sysexits.h; says on stderr what is wrong.
[[nodiscard]] int run_mock(const MockCommand& command);

}  // namespace sluice
