#include <fmt/format.h>
#include <sysexits.h>

#include <map>

#include "engine/config/check.h"
#include "engine/config/load.h"
#include "engine/config/schema.h"
#include "engine/config/settings.h"

namespace sluice {
namespace {

// ValueReader - notes the text of each value outside of lists of sections. Changes nothing.
class ValueReader final : public KeyVisitor {
 public:
  void scalar(std::string_view key, Scalar&& scalar, Need) override {
    if (std::string path = join_path(path_, key); is_taken_at_start(path))
      values[std::move(path)] = scalar.text();
  }
  void texts(std::string_view key, TextList&& list) override {
    std::string path = join_path(path_, key);
    if (!is_taken_at_start(path)) return;
    std::string& all = values[std::move(path)];
    for (const std::string& text : list.texts()) all += text + "\n";
  }
  void section(std::string_view key, const Describe& keys) override {
    const std::string outer = path_;
    path_ = join_path(path_, key);
    keys(*this);
    path_ = outer;
  }
  void sections(std::string_view, SectionList&&) override {}
  void models(std::string_view, std::vector<ModelMapping>&) override {}

  std::map<std::string, std::string> values;

 private:
  std::string path_;
};

std::map<std::string, std::string> values_of(const Config& config) {
  ValueReader reader;
  describe(reader, const_cast<Config&>(config));  // a ValueReader only calls text()
  return std::move(reader.values);
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
  const auto fresh = values_of(*loaded);
  for (const auto& [path, value] : values_of(running)) {
    if (fresh.at(path) == value) continue;
    findings.warn(loaded->origin_of(path),
                  fmt::format("{}: the change takes effect at the next start", path));
    loaded->needs_restart.push_back(path);
  }
  loaded->listen = running.listen;
  loaded->shards = running.shards;
  loaded->drain = running.drain;
  loaded->timeouts.pooled_idle = running.timeouts.pooled_idle;
  loaded->timeouts.pooled_age = running.timeouts.pooled_age;
  loaded->log.format = running.log.format;
  const Duration keep_requests = loaded->store.keep_requests;
  loaded->store = running.store;
  loaded->store.keep_requests = keep_requests;
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
