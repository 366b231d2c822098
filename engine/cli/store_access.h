#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "admin/operations.h"
#include "base/secret.h"
#include "base/units.h"
#include "engine/cli/command_line.h"
#include "engine/cli/config_options.h"
#include "engine/config/build_directory.h"
#include "store/environment.h"

namespace sluice {

// How commands get at the store of a configuration, beside a gateway that serves it and without.

// A command with -c that runs `run`.
CLI::App* add_store_action(CommandLine& line, CLI::App& parent, const std::string& name,
                           const std::string& help, std::function<int(const ConfigOptions&)> run);

// Reads: opens the store read-only, whoever else has it. Returns the exit code of `read`, or that
// of why it could not be opened, told on stderr.
[[nodiscard]] int with_store(const ConfigOptions& options,
                             const std::function<int(const Config&, StoreEnvironment&)>& read);
// The same with a configuration that is loaded.
[[nodiscard]] int read_store(const Config& config,
                             const std::function<int(const Config&, StoreEnvironment&)>& read);

// Reads the store's accounts with their keys, and its client keys; none when there is no store.
// The master key is needed once there is an account.
[[nodiscard]] int with_entries(const ConfigOptions& options,
                               const std::function<int(const Config&, const StoredEntries&)>& use);

// Changes: hands `call` to the gateway that serves the store, else does it in this process. Prints
// the answer's text on stderr, its secret on stdout.
[[nodiscard]] int change_store(const ConfigOptions& options, const AdminCall& call);
// The same of several calls: what `change` returns is printed.
using AskStore = std::function<AdminAnswer(const AdminCall&)>;
[[nodiscard]] int change_store(const ConfigOptions& options,
                               const std::function<AdminAnswer(const AskStore&)>& change);

// Tells what the store said, on stderr. The exit code.
[[nodiscard]] int store_failed(const StoreError& error, const StoreEnvironment& environment);

inline constexpr std::size_t kOneSecretBytesMax = 64 * kKiB - 1;   // a key
inline constexpr std::size_t kSecretFileBytesMax = 16 * kMiB - 1;  // a provider file

// A secret from stdin, without the line end; asks for it where stdin is a terminal, which does not
// echo. Empty: nothing was given. Nothing: it is longer than `bytes_max`, as stderr was told.
[[nodiscard]] std::optional<Secret> read_secret(const std::string& what,
                                                std::size_t bytes_max = kOneSecretBytesMax);

}  // namespace sluice
