#pragma once

#include <expected>
#include <string>
#include <vector>

#include "engine/config/config.h"
#include "engine/config/expand.h"
#include "engine/config/finding.h"

namespace sluice {

// ConfigErrors - why there is no configuration: everything that was found, in the order of the
// file.
struct ConfigErrors {
  std::vector<Finding> errors;
  std::vector<Finding> warnings;
  // EX_CONFIG; EX_NOINPUT, EX_NOPERM, EX_IOERR when the file cannot be read; EX_USAGE when a flag's
  // value is not accepted, whatever else is wrong.
  int exit_code = 78;

  // One line each, "warning: " before the warnings, and each with its line end.
  [[nodiscard]] std::string text() const;
};

enum class Purpose {
  kShow,   // a sound configuration
  kServe,  // one that can also be served: see check_servable()
};

// Reads the configuration: defaults, then the file, then the environment, then the flags, then what
// the store has. Of that, what is not accepted any more is a warning: it must not keep a gateway
// from starting.
[[nodiscard]] std::expected<Config, ConfigErrors> load_config(const ConfigSources& sources,
                                                              const Environment& env,
                                                              Purpose purpose = Purpose::kServe);

// The configuration of `running`, read again from the same sources; `running` is not touched, so a
// bad file changes nothing. What is taken only at the start (is_taken_at_start()) is as in
// `running`, with its origin; where the sources say otherwise that is `waiting`, and a warning.
[[nodiscard]] std::expected<Config, ConfigErrors> reload_config(const Config& running,
                                                                const Environment& env);
// The same, with these values in the store.
[[nodiscard]] std::expected<Config, ConfigErrors> reload_config(const Config& running,
                                                                const Environment& env,
                                                                std::vector<SettingText> stored);

// The lines of warnings, as ConfigErrors::text() writes them.
[[nodiscard]] std::string warnings_text(const std::vector<Finding>& warnings);

// How many CPUs this process may use: its affinity mask and the quota of its cgroup (v2), rounded
// up. At least 1.
[[nodiscard]] std::uint32_t usable_cpus();

}  // namespace sluice
