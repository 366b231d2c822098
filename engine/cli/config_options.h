#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/config/load.h"

namespace sluice {

// ConfigOptions - the flags of a command that reads the configuration.
struct ConfigOptions {
  std::string file;
  std::vector<std::string> listen;
  std::string shards;
  std::string log_level;
  std::string log_format;

  [[nodiscard]] ConfigSources sources() const;
};

// Adds the flags to `command`; what they were given stands in the result once it was parsed.
[[nodiscard]] std::shared_ptr<const ConfigOptions> add_config_options(CLI::App& command);

// Loads the configuration and runs `command` with it. Tells warnings and errors on stderr; returns
// the errors' exit code, or what `command` returns.
[[nodiscard]] int with_config(const ConfigOptions& options, Purpose purpose,
                              const std::function<int(const Config&)>& command);

}  // namespace sluice
