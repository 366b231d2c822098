// Prices and settings of the store.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "admin/operations.h"
#include "admin/row_tag.h"
#include "admin/stored_entries.h"
#include "engine/config/load.h"
#include "engine/config/settings.h"
#include "store/catalog.h"
#include "store/prices.h"

namespace sluice {
namespace {

using Texts = std::map<std::string, std::string>;

std::optional<AdminAnswer> refuse_outdated(const AdminCall& call, const std::string& key,
                                           const std::vector<StoredSetting>& present) {
  const auto found = std::ranges::find(present, key, &StoredSetting::key);
  return sluice::refuse_outdated(call, setting_tag(found == present.end() ? nullptr : &*found),
                                 fmt::format("setting \"{}\"", key));
}

}  // namespace

AdminAnswer AdminDesk::put_price(const AdminCall& call) {
  StoredPrice price;
  price.model = call.args.value("model", "");
  price.valid_from_ms = call.args.value("valid_from_ms", now_unix_ms_);
  price.rate.input = call.args.value("input", std::uint64_t{0});
  price.rate.output = call.args.value("output", std::uint64_t{0});
  if (call.args.contains("cached_read"))
    price.rate.cached_read = call.args["cached_read"].get<std::uint64_t>();
  if (call.args.contains("cached_write"))
    price.rate.cached_write = call.args["cached_write"].get<std::uint64_t>();
  const auto put = sluice::put_price(writer_, price);
  if (!put && put.error().code == StoreErrc::kInvalid)
    return refuse_faults({{"model", "is empty or too long, or the time is before 1970", ""}});
  if (!put) return failed(put.error());
  return {.text = fmt::format("price of \"{}\" set\n", price.model),
          .changed = true,
          .object = {{"model", price.model}, {"valid_from_ms", price.valid_from_ms}}};
}

AdminAnswer AdminDesk::remove_price(const AdminCall& call) {
  const std::string model = call.args.value("model", "");
  const auto gone = delete_price(writer_, model, call.args.value("valid_from_ms", std::int64_t{0}));
  if (!gone && gone.error().code == StoreErrc::kNotFound)
    return refuse_missing(fmt::format("\"{}\" has no price from that time on", model));
  if (!gone && gone.error().code == StoreErrc::kInvalid)
    return refuse_faults({{"model", "is empty or too long, or the time is before 1970", ""}});
  if (!gone) return failed(gone.error());
  return {.text = fmt::format("price of \"{}\" removed\n", model), .changed = true};
}

std::vector<FieldProblem> AdminDesk::try_settings(const std::vector<StoredSetting>& settings) {
  std::vector<SettingText> texts;
  for (const StoredSetting& setting : settings) texts.push_back({setting.key, setting.value});
  std::vector<FieldProblem> problems;
  Config scratch;
  for (const Finding& finding : read_settings(texts, scratch))
    problems.push_back(problem_of(finding));
  if (!problems.empty()) return problems;
  // What is said of several values together, by the configuration that would be in force.
  const auto loaded = reload_config(config_, ProcessEnvironment(), std::move(texts));
  if (loaded) return {};
  for (const Finding& finding : loaded.error().errors)
    problems.push_back({finding.path, finding.text(), ""});
  return problems;
}

AdminAnswer AdminDesk::put_settings(const AdminCall& call) {
  const Texts values = call.args.value("values", Texts());
  const Texts descriptions = call.args.value("descriptions", Texts());
  auto present = stored_settings(writer_.environment());
  if (!present) return failed(present.error());
  if (call.args.value("whole", false)) {
    if (auto outdated = sluice::refuse_outdated(call, settings_tag(*present), "a setting"))
      return std::move(*outdated);
  } else if (!values.empty()) {
    if (auto outdated = refuse_outdated(call, values.begin()->first, *present))
      return std::move(*outdated);
  }
  std::vector<StoredSetting> changed;
  for (const auto& [path, text] : values) {
    StoredSetting setting{.key = path, .value = text, .updated_ms = now_unix_ms_};
    const auto before = std::ranges::find(*present, path, &StoredSetting::key);
    if (before != present->end()) setting.description = before->description;
    if (const auto given = descriptions.find(path); given != descriptions.end())
      setting.description = given->second;
    if (before != present->end()) *before = setting;
    else present->push_back(setting);
    changed.push_back(std::move(setting));
  }
  if (auto problems = with_faults_of(call, try_settings(*present)); !problems.empty())
    return refuse_faults(std::move(problems));
  if (const auto put = sluice::put_settings(writer_, changed); !put) return failed(put.error());
  std::ranges::sort(*present, {}, &StoredSetting::key);
  return {.text = fmt::format("{} settings changed\n", changed.size()),
          .changed = true,
          .settings_changed = true,
          .object = {{"tag", settings_tag(*present)}}};
}

AdminAnswer AdminDesk::remove_setting(const AdminCall& call) {
  const std::string key = call.args.value("key", "");
  auto present = stored_settings(writer_.environment());
  if (!present) return failed(present.error());
  if (auto outdated = refuse_outdated(call, key, *present)) return std::move(*outdated);
  std::erase_if(*present, [&key](const StoredSetting& setting) { return setting.key == key; });
  if (auto problems = try_settings(*present); !problems.empty())
    return refuse_faults(std::move(problems));
  const auto gone = delete_setting(writer_, key);
  if (!gone) return failed(gone.error());
  if (!*gone) return refuse_missing(fmt::format("there is no setting \"{}\"", key));
  return {.text = fmt::format("setting \"{}\" removed\n", key),
          .changed = true,
          .settings_changed = true};
}

}  // namespace sluice
