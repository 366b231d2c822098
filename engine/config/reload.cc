#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <iterator>

#include "engine/config/check.h"
#include "engine/config/load.h"
#include "engine/config/settings.h"

namespace sluice {
namespace {

// Where the value at `path`, or an item of its list, came from: as in `running`.
void restore_origin(Config& config, const Config& running, std::string_view path) {
  const auto is_of = [path](const auto& entry) {
    const std::string_view at = entry.first;
    return at.starts_with(path) && (at.size() == path.size() || at[path.size()] == '[');
  };
  std::erase_if(config.origins, is_of);
  std::ranges::copy_if(running.origins, std::inserter(config.origins, config.origins.end()), is_of);
}

// What was taken at the start stays as it is in `running`, with its origin, whatever `loaded` says.
void keep_start(const Config& running, Config& loaded) {
  for (const WaitingValue& value : loaded.waiting) restore_origin(loaded, running, value.path);
  loaded.listen = running.listen;
  loaded.shards = running.shards;
  loaded.drain = running.drain;
  loaded.timeouts.pooled_idle = running.timeouts.pooled_idle;
  loaded.timeouts.pooled_age = running.timeouts.pooled_age;
  loaded.log.format = running.log.format;
  const Duration keep_requests = loaded.store.keep_requests;
  loaded.store = running.store;
  loaded.store.keep_requests = keep_requests;
  loaded.admin.listen = running.admin.listen;
  loaded.metrics_listen = running.metrics_listen;
}

}  // namespace

std::expected<Config, ConfigErrors> reload_config(const Config& running, const Environment& env) {
  return reload_config(running, env, running.sources.stored);
}

std::expected<Config, ConfigErrors> reload_config(const Config& running, const Environment& env,
                                                  std::vector<SettingText> stored) {
  ConfigSources sources = running.sources;
  sources.stored = std::move(stored);
  auto loaded = load_config(sources, env, Purpose::kShow);
  if (!loaded) return loaded;
  Findings findings;
  const std::vector<SettingValue> before = settings_of(running);
  for (const SettingValue& fresh : settings_of(*loaded)) {
    const auto had = std::ranges::find(before, fresh.path, &SettingValue::path);
    if (fresh.holds != SettingHolds::kAtRestart || had->value == fresh.value) continue;
    findings.warn(fresh.origin,
                  fmt::format("{}: the change takes effect at the next start", fresh.path));
    loaded->waiting.push_back({fresh.path, fresh.value, fresh.origin});
  }
  std::ranges::sort(loaded->waiting, {}, &WaitingValue::path);
  keep_start(running, *loaded);
  // With the addresses that are really listened on: a file that moves to loopback and drops its
  // client keys must not open the doors of before.
  check_servable(*loaded, findings);
  std::vector<Finding> warnings = findings.take_warnings();
  loaded->warnings.insert(loaded->warnings.end(), warnings.begin(), warnings.end());
  if (findings.has_errors())
    return std::unexpected(ConfigErrors{findings.take_errors(), loaded->warnings, EX_CONFIG});
  return loaded;
}

}  // namespace sluice
