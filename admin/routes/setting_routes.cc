// What is set, and what the administrator has changed of it.
#include <algorithm>
#include <charconv>
#include <map>

#include "admin/control_room.h"
#include "admin/routes/answers.h"
#include "admin/routes/json_body.h"
#include "admin/routes/routes.h"
#include "admin/routes/times.h"
#include "admin/stored_entries.h"
#include "engine/config/settings.h"
#include "store/catalog.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kMissing = "Config key not found";

// The first version's names.
struct OldName {
  std::string_view name, path;
};
constexpr std::string_view kOldOverflow = "fallback_enabled_passthrough";
constexpr std::string_view kOldOverflowMend = "give true or false";
constexpr OldName kOldNames[] = {{"rate_rpm", "account_defaults.rpm_limit"},
                                 {"queue_max_size", "queue.capacity"},
                                 {kOldOverflow, "queue.overflow"}};

std::string path_of(std::string_view key) {
  const auto old = std::ranges::find(kOldNames, key, &OldName::name);
  return std::string(old == std::end(kOldNames) ? key : old->path);
}

// As the configuration would say it ("reject", "7s"), however it was given ("false", "7000ms"); by
// the first version's name in its words. What is of no use to this configuration stays as it is.
std::string value_of(const StoredSetting& setting, std::string_view name) {
  Config scratch;
  if (!read_settings({{setting.key, setting.value}}, scratch).empty()) return setting.value;
  if (name == kOldOverflow)
    return scratch.routing.queue.overflow == Overflow::kPassthrough ? "true" : "false";
  const auto all = settings_of(scratch);
  return std::ranges::find(all, setting.key, &SettingValue::path)->value;
}

// Under the name that it was asked for by.
Json object_of(const StoredSetting& setting, const std::string& name) {
  Json object = {{"key", name}, {"value", value_of(setting, name)}};
  if (!setting.description.empty()) object["description"] = setting.description;
  if (setting.updated_ms != 0) object["updated_at"] = rfc3339_text(setting.updated_ms);
  return object;
}

// A value and who said so, as a setting shows them.
template <class Value>
Json said(const Value& value) {
  constexpr std::string_view kKinds[] = {"default", "file", "environment", "flag", "stored"};
  return {{"value", value.value},
          {"origin", value.origin.text()},
          {"origin_kind", kKinds[static_cast<std::size_t>(value.origin.kind)]}};
}

AdminResponse get_settings(ControlRoom& room, const AdminRequest&) {
  constexpr std::string_view kHolds[] = {"at_once", "at_reload", "at_restart"};
  std::vector<StoredSetting> stored;  // before the rest: the tags are none of what comes after it
  if (room.gateway().store() != nullptr) {
    auto settings = list_settings(*room.gateway().store());
    if (!settings) return store_trouble(settings.error());
    stored = std::move(*settings);
  }
  const auto config = room.gateway().config();
  Json values = Json::array();
  for (const SettingValue& setting : settings_of(*config)) {
    const auto kept = std::ranges::find(stored, setting.path, &StoredSetting::key);
    const auto waiting = std::ranges::find(config->waiting, setting.path, &WaitingValue::path);
    Json object = said(setting);
    object["path"] = setting.path;
    object["changeable"] = setting.changeable;
    object["tag"] = setting_tag(kept == stored.end() ? nullptr : &*kept);
    object["holds"] = kHolds[static_cast<std::size_t>(setting.holds)];
    object["waiting"] = waiting == config->waiting.end() ? Json() : said(*waiting);
    values.push_back(std::move(object));
  }
  Json warnings = Json::array();
  for (const Finding& warning : config->warnings) warnings.push_back(warning.text());
  return json_response({{"file", config->file.empty() ? Json() : Json(config->file)},
                        {"values", std::move(values)},
                        {"warnings", std::move(warnings)}});
}

AdminResponse list_config(ControlRoom& room, const AdminRequest&) {
  Json all = Json::array();
  if (room.gateway().store() == nullptr) return json_response(all);
  const auto settings = list_settings(*room.gateway().store());
  if (!settings) return store_trouble(settings.error());
  for (const StoredSetting& setting : *settings) all.push_back(object_of(setting, setting.key));
  AdminResponse response = json_response(all);
  response.fields.emplace_back("etag", '"' + settings_tag(*settings) + '"');
  return response;
}

// The setting as it is stored, or 404.
AdminResponse show(ControlRoom& room, const std::string& name) {
  if (room.gateway().store() == nullptr) return admin_error(404, kMissing, "not_found");
  const auto setting = get_setting(*room.gateway().store(), path_of(name));
  if (!setting) return store_trouble(setting.error());
  if (!*setting) return admin_error(404, kMissing, "not_found");
  AdminResponse response = json_response(object_of(**setting, name));
  response.fields.emplace_back("etag", '"' + setting_tag(&**setting) + '"');
  return response;
}

AdminResponse get_config(ControlRoom& room, const AdminRequest& request) {
  return show(room, request.params.front());
}

std::optional<std::string> text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return {};
}

// Those that wait have been promised a place.
std::size_t waiting(ControlRoom& room) {
  std::size_t all = 0;
  for (const Priority priority :
       {Priority::kUrgent, Priority::kHigh, Priority::kNormal, Priority::kLow})
    all += room.gateway().dispatcher().queue().depth(priority);
  return all;
}

std::optional<FieldProblem> refuse_capacity(ControlRoom& room, const std::string& field,
                                            const std::string& text) {
  std::uint32_t capacity = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, capacity);
  if (read.ec != std::errc() || read.ptr != end) return {};  // the desk says so
  const std::size_t present = waiting(room);
  if (capacity >= present) return {};
  return FieldProblem{field,
                      text + " is less than the " + std::to_string(present) + " that wait now",
                      "give " + std::to_string(present) + " or more, or wait"};
}

// `name` as it was given: why it cannot be taken; null when it can, as far as can be said here.
std::optional<FieldProblem> refuse_setting(ControlRoom& room, const std::string& name,
                                           const std::optional<std::string>& text,
                                           const Json& values) {
  const std::string path = path_of(name);
  if (!text) {
    return FieldProblem{name, "is no value",
                        name == kOldOverflow ? std::string(kOldOverflowMend)
                                             : "give a text, a number, true or false"};
  }
  if (!is_changeable(path)) {
    return FieldProblem{name, "is no setting that can be changed while the gateway runs",
                        "see GET /api/admin/settings"};
  }
  if (values.contains(path)) return FieldProblem{name, "is given twice", "give it once"};
  return path == "queue.capacity" ? refuse_capacity(room, name, *text) : std::nullopt;
}

// All of `given`, by their names as they were given; or what is wrong with them. `args`: beside the
// values, what the desk is to know.
std::expected<AdminAnswer, AdminResponse> put(ControlRoom& room, const Json& given, Json args) {
  std::vector<FieldProblem> problems;
  Json values = Json::object();
  std::map<std::string, std::string> names;  // by path
  for (const auto& [name, value] : given.items()) {
    const auto text = text_of(value);
    if (auto problem = refuse_setting(room, name, text, values)) {
      problems.push_back(std::move(*problem));
      continue;
    }
    names.emplace(path_of(name), name);
    values[path_of(name)] = *text;
  }
  args["values"] = std::move(values);
  AdminAnswer answer = room.gateway().change(
      {.command = "settings.put", .args = std::move(args), .secret = {}, .faults = problems});
  if (answer.outcome == AdminOutcome::kDone && answer.changed) return answer;
  for (FieldProblem& fault : answer.faults) {
    const auto name = names.find(fault.field);
    const auto ours = std::ranges::find(problems, fault.field, &FieldProblem::field);
    if (ours != problems.end() || name == names.end()) continue;
    fault.field = name->second;
    // What several values do together is no matter of its words.
    if (fault.field == kOldOverflow && !fault.mend.empty()) fault.mend = kOldOverflowMend;
  }
  return std::unexpected(refusal_of(answer, kMissing));
}

AdminResponse put_config(ControlRoom& room, const AdminRequest& request) {
  const std::string& key = request.params.front();
  const std::string path = path_of(key);
  const auto config = room.gateway().config();
  const auto all = settings_of(*config);
  if (std::ranges::find(all, path, &SettingValue::path) == all.end())
    return admin_error(404, kMissing, "not_found");
  auto body = read_json_object(request);
  if (!body) return std::move(body.error());
  std::vector<FieldProblem> problems;
  for (const auto& [name, value] : body->items()) {
    if (name == "description" ? !value.is_string() : name != "value")
      problems.push_back({name, name == "description" ? "is not a text" : "is no member here",
                          name == "description" ? "give a text" : "leave it out"});
  }
  if (!body->contains("value")) problems.push_back({"value", "is missing", "give one"});
  if (!problems.empty()) return refuse_fields(problems);
  Json args = {{"if_match", request.field("if-match")}};
  if (const std::string description = body->value("description", ""); !description.empty())
    args["descriptions"][path] = description;
  auto done = put(room, {{key, (*body)["value"]}}, std::move(args));
  return done ? show(room, key) : std::move(done.error());
}

AdminResponse post_config(ControlRoom& room, const AdminRequest& request) {
  auto body = read_json_object(request);
  if (!body) return std::move(body.error());
  if (body->empty()) return admin_error(400, "give at least one setting");
  auto done = put(room, *body, {{"whole", true}, {"if_match", request.field("if-match")}});
  if (!done) return std::move(done.error());
  Json all = Json::array();
  for (const auto& [name, value] : body->items()) {
    const auto setting = get_setting(*room.gateway().store(), path_of(name));
    if (!setting) return store_trouble(setting.error());
    if (*setting) all.push_back(object_of(**setting, name));
  }
  AdminResponse response = json_response(all);
  // As it was when these were written: what others have changed since is not seen.
  response.fields.emplace_back("etag", '"' + done->object["tag"].get<std::string>() + '"');
  return response;
}

AdminResponse delete_config(ControlRoom& room, const AdminRequest& request) {
  const std::string& name = request.params.front();
  const AdminAnswer answer = room.gateway().change(
      {.command = "settings.remove",
       .args = {{"key", path_of(name)}, {"if_match", request.field("if-match")}}});
  if (answer.outcome != AdminOutcome::kDone || !answer.changed) return refusal_of(answer, kMissing);
  return json_response({{"status", "deleted"}, {"key", name}});
}

constexpr AdminRoute kRoutes[] = {
    {"GET", "/api/admin/settings", Access::kRead, get_settings},
    {"GET", "/api/admin/config", Access::kRead, list_config},
    {"POST", "/api/admin/config", Access::kAdmin, post_config},
    {"GET", "/api/admin/config/{key}", Access::kRead, get_config},
    {"PUT", "/api/admin/config/{key}", Access::kAdmin, put_config},
    {"DELETE", "/api/admin/config/{key}", Access::kAdmin, delete_config},
};

}  // namespace

std::span<const AdminRoute> setting_routes() { return kRoutes; }

}  // namespace sluice
