#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <span>

namespace sluice {

// CommandLine - the program's commands. Each adds itself with a function of its own (AddCommand):
// it adds its subcommand to `app` and sets `chosen` in that subcommand's callback. What was chosen
// runs after all of the command line has been understood; its result is the exit code.
struct CommandLine {
  CLI::App app;
  std::function<int()> chosen;
};

using AddCommand = void (*)(CommandLine&);

// Understands the command line and runs the command. Returns the exit code (sysexits.h): EX_USAGE,
// with a message on stderr, when the command line is wrong. Throws nothing.
[[nodiscard]] int run_command_line(int argc, const char* const* argv,
                                   std::span<const AddCommand> commands);

// Writes to stdout. EX_IOERR when that fails (a full disk, a closed pipe), EX_OK otherwise.
[[nodiscard]] int print_out(std::string_view text);

}  // namespace sluice
