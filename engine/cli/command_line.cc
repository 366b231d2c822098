#include "engine/cli/command_line.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

#include "engine/config/suggest.h"

namespace sluice {
namespace {

constexpr const char* kDescription =
    "sluice - an LLM API gateway: many provider accounts behind one OpenAI-compatible endpoint.";

constexpr const char* kFooter = R"(Examples:
  sluice serve                          ./sluice.yaml, else /etc/sluice/sluice.yaml
  sluice serve -c my.yaml --listen 127.0.0.1:8080
  sluice check-config -c my.yaml        every fault of a file, with line and column
  sluice config show                    effective values and where each comes from
  sluice simulate -c my.yaml            what a day of traffic would come to
  sluice bench URL --model NAME         load on a running gateway, and what it is like

Values are taken from flags, then environment variables (SLUICE_LISTEN gives listen,
SLUICE_LOG_LEVEL gives log.level, and so on; SIDECAR_* as in Sidecar V2), then the file,
then the defaults.

Exit codes (sysexits.h):
   0  success
  64  wrong command line                70  a fault of sluice itself
  65  an input file has wrong content   71  the system refused something needed
  66  an input file is missing          74  reading or writing failed
  69  a service is not available        77  not permitted
                                        78  the configuration is wrong)";

// "--listen" for "--lisetn" at the innermost command that was recognised.
std::string option_hint(const CLI::App& app, const std::string& argument) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  std::vector<std::string> known;
  for (const CLI::Option* option : command->get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  for (const CLI::App* child : command->get_subcommands({})) known.push_back(child->get_name());
  return did_you_mean(argument.substr(0, argument.find('=')), known);
}

std::string usage_message(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> strange = app.remaining(true);
  if (strange.empty()) return error.what();
  const std::string& first = strange.front();
  const char* const kind = first.starts_with('-') ? "option" : "command or argument";
  return fmt::format("unknown {} \"{}\"{}", kind, first, option_hint(app, first));
}

// The deepest command that was recognised, for "try sluice serve --help".
std::string command_path(const CLI::App& app) {
  std::string path = app.get_name();
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    path += " " + at->get_name();
  }
  return path;
}

int run(int argc, const char* const* argv, std::span<const AddCommand> commands) {
  CommandLine line;
  CLI::App& app = line.app;
  app.name("sluice");
  app.description(kDescription);
  app.footer(kFooter);
  app.get_formatter()->column_width(34);
  app.set_help_flag("-h,--help", "what this command does and takes");
  app.set_version_flag("--version", "sluice " SLUICE_VERSION)->description("print the version");
  app.require_subcommand(1);
  for (const AddCommand add : commands) add(line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    if (argc <= 1) fmt::print(stderr, "{}", app.help());
    else
      fmt::print(stderr, "sluice: {}\nTry: {} --help\n", usage_message(app, error),
                 command_path(app));
    return EX_USAGE;
  }
  return line.chosen ? line.chosen() : EX_USAGE;
}

}  // namespace

int run_command_line(int argc, const char* const* argv, std::span<const AddCommand> commands) {
  try {
    return run(argc, argv, commands);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "sluice: %s\n", fault.what());
    return EX_SOFTWARE;
  }
}

int print_out(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0) return EX_OK;
  std::fprintf(stderr, "sluice: cannot write to standard output\n");
  return EX_IOERR;
}

}  // namespace sluice
