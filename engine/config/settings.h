#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/config/config.h"
#include "engine/config/finding.h"

namespace sluice {

// The values of the configuration outside of its lists of sections, one by one: what the
// administration API calls settings.

// When another value holds: as soon as an administrator changes it, once the configuration is read
// again, or from the next start on.
enum class SettingHolds : std::uint8_t { kAtOnce, kAtReload, kAtRestart };

struct SettingValue {
  std::string path;   // "routing.cooldown.base"
  std::string value;  // as the configuration would say it; of a list, separated by ", "
  Place origin;
  bool changeable = false;  // is_changeable()
  SettingHolds holds = SettingHolds::kAtRestart;
};

[[nodiscard]] std::vector<SettingValue> settings_of(const Config& config);

// Sockets, threads, the store: what is made once, when the process starts.
[[nodiscard]] bool is_taken_at_start(std::string_view path);
// Whether a running gateway's administrator may change it: it takes effect at once, it says nothing
// of who may do what, and it is one value.
[[nodiscard]] bool is_changeable(std::string_view path);

// Puts `values` into `config`, with their origin. What is no setting of that kind, or not accepted,
// stays out and is told, with its path.
[[nodiscard]] std::vector<Finding> read_settings(const std::vector<SettingText>& values,
                                                 Config& config);

}  // namespace sluice
