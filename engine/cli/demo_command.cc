#include <CLI/CLI.hpp>
#include <memory>

#include "engine/cli/commands.h"

namespace sluice {

void add_demo_command(CommandLine& line) {
  CLI::App* const command = line.app.add_subcommand(
      "demo", "run the gateway in front of mock providers; needs no key and no configuration");
  command->footer(
      "Example:\n"
      "  sluice demo &\n"
      "  curl http://127.0.0.1:9190/v1/models");
  const auto options = std::make_shared<DemoOptions>();
  command->add_option("--listen", options->listen, "where to accept connections; may be repeated")
      ->type_name("ADDRESS:PORT")
      ->expected(1)
      ->take_all();
  command->callback([&line, options] { line.chosen = [options] { return run_demo(*options); }; });
}

}  // namespace sluice
