#include "engine/cli/store_access.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <vector>

#include "admin/admin_socket.h"
#include "engine/cli/command_line.h"
#include "store/schema.h"

namespace sluice {
namespace {

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int fail(const std::string& text, int exit_code) {
  fmt::print(stderr, "sluice: {}{}", text, text.ends_with('\n') ? "" : "\n");
  return exit_code;
}

int no_store() {
  return fail("store.directory is none: this configuration keeps nothing", EX_CONFIG);
}

StoreOptions options_of(const Config& config, OpenMode mode) {
  return {.directory = config.store.directory,
          .mode = mode,
          .map_bytes_max = config.store.bytes_max,
          .any_file_system = config.store.any_file_system};
}

// Without a gateway: this process is the one that writes.
int change_here(const Config& config, const AdminCall& call, AdminAnswer& answer) {
  auto environment = open_store(options_of(config, OpenMode::kWrite));
  if (!environment)
    return fail(explain(environment.error(), config.store.directory), EX_UNAVAILABLE);
  Writer writer(**environment);
  const Rotation rotation = call.command == "keys.rotate" ? Rotation::kGoesOn : Rotation::kRefused;
  auto keys = open_key_ring(config.store, ProcessEnvironment(), writer, unix_ms(), rotation);
  if (!keys) return fail(keys.error().text, keys.error().exit_code);
  AdminDesk desk(writer, *keys, config, unix_ms());
  answer = desk.answer(call);
  if (const auto synced = (*environment)->sync(); !synced)
    return fail(explain(synced.error(), config.store.directory), EX_IOERR);
  return EX_OK;
}

// NoEcho - a terminal that does not show what is typed.
class NoEcho {
 public:
  NoEcho() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    active_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~NoEcho() {
    if (active_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool active_ = false;
};

}  // namespace

CLI::App* add_store_action(CommandLine& line, CLI::App& parent, const std::string& name,
                           const std::string& help, std::function<int(const ConfigOptions&)> run) {
  CLI::App* const command = parent.add_subcommand(name, help);
  const auto config = std::make_shared<ConfigOptions>();
  command->add_option("-c,--config", config->file, "the configuration file")->type_name("FILE");
  command->callback([&line, config, run = std::move(run)] {
    line.chosen = [config, run] { return run(*config); };
  });
  return command;
}

int store_failed(const StoreError& error, const StoreEnvironment& environment) {
  return fail(explain(error, environment.path()), EX_IOERR);
}

int with_store(const ConfigOptions& options,
               const std::function<int(const Config&, StoreEnvironment&)>& read) {
  return with_config(options, Purpose::kShow, [&](const Config& config) {
    if (config.store.directory.empty()) return no_store();
    auto environment = open_store(options_of(config, OpenMode::kReadOnly));
    if (!environment) return fail(explain(environment.error(), config.store.directory), EX_NOINPUT);
    return read(config, **environment);
  });
}

int change_store(const ConfigOptions& options, const AdminCall& call) {
  return with_config(options, Purpose::kShow, [&](const Config& config) {
    if (config.store.directory.empty()) return no_store();
    AdminAnswer answer;
    if (auto answered = call_gateway(config.store.directory, call)) {
      answer = std::move(*answered);
    } else if (const int code = change_here(config, call, answer); code != EX_OK) {
      return code;
    }
    if (!answer.text.empty()) fmt::print(stderr, "{}", answer.text);
    if (answer.secret.empty() || answer.exit_code != EX_OK) return answer.exit_code;
    const std::string_view shown = answer.secret.reveal();
    // Not through stdio, whose buffers keep what they have written.
    const bool whole =
        write(STDOUT_FILENO, shown.data(), shown.size()) == static_cast<ssize_t>(shown.size()) &&
        (shown.ends_with('\n') || write(STDOUT_FILENO, "\n", 1) == 1);
    return whole ? EX_OK : EX_IOERR;
  });
}

Secret read_secret(const std::string& what) {
  constexpr std::size_t kMax = 16 << 20;  // a provider file
  const bool asks = isatty(STDIN_FILENO) == 1;
  if (asks) fmt::print(stderr, "{}: ", what);
  const NoEcho silent;
  Secret buffer;
  std::size_t size = 0;
  const auto fill = [&](std::span<char> out) {
    while (size < out.size()) {
      const ssize_t n = read(STDIN_FILENO, out.data() + size, out.size() - size);
      if (n <= 0) break;
      size += static_cast<std::size_t>(n);
      if (asks && out[size - 1] == '\n') break;
    }
  };
  buffer = Secret::written(asks ? 64 * 1024 : kMax, fill);
  if (asks) fmt::print(stderr, "\n");
  std::string_view text = buffer.reveal().substr(0, size);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return Secret(text);
}

}  // namespace sluice
