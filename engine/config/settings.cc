#include "engine/config/settings.h"

#include <algorithm>
#include <set>

#include "engine/config/reader.h"
#include "engine/config/schema.h"

namespace sluice {
namespace {

// Sockets, threads, the upstream pools' limits, the log's form, the database. reload_config() has
// each of them as it was.
constexpr std::string_view kTakenAtStart[] = {
    "listen",     "shards", "drain",  "timeouts.pooled_idle", "timeouts.pooled_age",
    "log.format", "store",  "backup", "admin.listen",         "metrics",
};
// Who may do what, and from where: the configuration's alone, or a stolen cookie could open the
// gateway for good. (The metrics' and the administrator's listeners are made at the start, too.)
constexpr std::string_view kFileOnly[] = {"auth", "admin", "metrics", "tls", "accounts", "clients"};

bool lies_under(std::string_view path, std::string_view root) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '.');
}

// SettingReader - notes each value. Changes nothing.
class SettingReader final : public KeyVisitor {
 public:
  explicit SettingReader(const Config& config) : config_(&config) {}

  void scalar(std::string_view key, Scalar&& scalar, Need) override {
    add(key, scalar.text(), !scalar.is_secret());
  }
  void texts(std::string_view key, TextList&& list) override {
    std::string all;
    for (const std::string& text : list.texts()) all += (all.empty() ? "" : ", ") + text;
    add(key, std::move(all), false);
  }
  void section(std::string_view key, const Describe& keys) override {
    const std::string outer = path_;
    path_ = join_path(path_, key);
    keys(*this);
    path_ = outer;
  }
  void sections(std::string_view, SectionList&&) override {}
  void models(std::string_view, std::vector<ModelMapping>&) override {}

  std::vector<SettingValue> values;

 private:
  void add(std::string_view key, std::string value, bool one_value) {
    std::string path = join_path(path_, key);
    const bool at_start = is_taken_at_start(path);
    const bool open =
        one_value && !at_start && std::ranges::none_of(kFileOnly, [&path](std::string_view root) {
          return lies_under(path, root);
        });
    const SettingHolds holds = at_start ? SettingHolds::kAtRestart
                               : open   ? SettingHolds::kAtOnce
                                        : SettingHolds::kAtReload;
    Place origin = config_->origin_of(path);
    values.push_back({std::move(path), std::move(value), std::move(origin), open, holds});
  }

  const Config* config_;
  std::string path_;
};

}  // namespace

std::vector<SettingValue> settings_of(const Config& config) {
  SettingReader reader(config);
  describe(reader, const_cast<Config&>(config));  // a SettingReader only calls text()
  return std::move(reader.values);
}

bool is_taken_at_start(std::string_view path) {
  return std::ranges::any_of(kTakenAtStart,
                             [path](std::string_view root) { return lies_under(path, root); });
}

bool is_changeable(std::string_view path) {
  const auto all = settings_of(Config{});
  const auto found = std::ranges::find(all, path, &SettingValue::path);
  return found != all.end() && found->changeable;
}

std::vector<Finding> read_settings(const std::vector<SettingText>& values, Config& config) {
  const Place stored{Place::Kind::kStored, "stored"};
  Findings findings;
  std::set<std::string, std::less<>> open;
  for (const SettingValue& setting : settings_of(config))
    if (setting.changeable) open.insert(setting.path);
  for (const SettingText& value : values)
    if (!open.contains(value.path))
      findings.refuse(stored, "is no setting that can be changed in the store", value.path);
  const auto lookup = [&](std::string_view path) -> std::optional<Override> {
    const auto given = std::ranges::find(values, path, &SettingText::path);
    if (given == values.end() || !open.contains(path)) return std::nullopt;
    // A file of this machine is nothing that comes from the store.
    if (given->text.starts_with(kFilePrefix)) return Override{"", stored};
    return Override{given->text, stored};
  };
  OverrideReader reader(lookup, "", config.origins, findings);
  describe(reader, config);
  return findings.take_errors();
}

}  // namespace sluice
