#include <CLI/CLI.hpp>
#include <memory>

#include "engine/cli/commands.h"
#include "tools/mock/mock_command.h"

namespace sluice {

void add_mock_command(CommandLine& line) {
  CLI::App* const command =
      line.app.add_subcommand("mock", "run a scriptable LLM provider, to test against");
  command->footer(
      "Examples:\n"
      "  sluice mock --listen 127.0.0.1:8001 --tokens-per-second 50\n"
      "  sluice mock --key-limit sk-test-a=40/60s --error-rate 500=0.1\n"
      "  curl http://127.0.0.1:8001/mock/ledger");
  const auto options = std::make_shared<MockCommand>();
  add_mock_options(*command, *options);
  command->callback([&line, options] { line.chosen = [options] { return run_mock(*options); }; });
}

}  // namespace sluice
