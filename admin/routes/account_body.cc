#include "admin/routes/account_body.h"

#include <algorithm>
#include <string_view>

namespace sluice {
namespace {

using Json = nlohmann::json;

enum class Type : std::uint8_t { kText, kNumber, kSeconds, kTruth, kObject };

// What a null says: that the account has no value of its own, so that the configuration's holds.
enum class Null : std::uint8_t { kIsWrong, kInherits };

struct Member {
  std::string_view name;
  Type type;
  Null null = Null::kIsWrong;
};

// What can be given: scalars go by these names to engine/config/account_fields.h.
constexpr Member kMembers[] = {{"name", Type::kText},
                               {"label", Type::kText},
                               {"api_base_url", Type::kText},
                               {"api", Type::kText},
                               {"api_key", Type::kText},
                               {"timeout_seconds", Type::kSeconds, Null::kInherits},
                               {"pool", Type::kText},
                               {"enabled", Type::kTruth},
                               {"rpm_limit", Type::kNumber, Null::kInherits},
                               {"tpm_limit", Type::kNumber, Null::kInherits},
                               {"rpd_limit", Type::kNumber, Null::kInherits},
                               {"concurrent_limit", Type::kNumber, Null::kInherits},
                               {"bucket", Type::kText, Null::kInherits},
                               {"window_seconds", Type::kSeconds, Null::kInherits},
                               {"weight", Type::kNumber},
                               {"learn_limits", Type::kTruth, Null::kInherits},
                               {"emergency", Type::kTruth},
                               {"model_prefix", Type::kText},
                               {"timeouts", Type::kObject},
                               {"model_mappings", Type::kObject},
                               {"metadata", Type::kObject}};
constexpr Member kTimeouts[] = {{"connect", Type::kSeconds, Null::kInherits},
                                {"first_byte", Type::kSeconds, Null::kInherits},
                                {"first_token", Type::kSeconds, Null::kInherits},
                                {"idle", Type::kSeconds, Null::kInherits},
                                {"total", Type::kSeconds, Null::kInherits}};
// What is only shown.
constexpr std::string_view kShown[] = {"id",
                                       "status",
                                       "source",
                                       "editable",
                                       "cooldown_until",
                                       "hold_until",
                                       "consecutive_429_count",
                                       "created_at",
                                       "updated_at",
                                       "level",
                                       "retreat",
                                       "breaker",
                                       "last_error",
                                       "health",
                                       "cost",
                                       "inherited"};

FieldProblem wrong_type(std::string field, const Json& value, const Member& member) {
  constexpr std::string_view kTypes[] = {"a text", "a number", "a number", "a truth value",
                                         "an object"};
  constexpr std::string_view kMends[] = {"give a text in quotes", "give a number without quotes",
                                         "give seconds as a number without quotes, like 30",
                                         "give true or false", "give {...}"};
  const auto index = static_cast<std::size_t>(member.type);
  // A key must not stand in a message, not even one of a wrong type.
  const bool tells = field != "api_key" && !value.is_structured();
  return {field,
          (tells ? value.dump(-1, ' ', false, Json::error_handler_t::replace) + " is not "
                 : "is not ") +
              std::string(kTypes[index]),
          std::string(kMends[index]) + (value.is_null() ? ", or leave it out" : "")};
}

bool has_type(const Json& value, Type type) {
  switch (type) {
    case Type::kText: return value.is_string();
    case Type::kNumber:
    case Type::kSeconds: return value.is_number();
    case Type::kTruth: return value.is_boolean();
    case Type::kObject: return value.is_object();
  }
  return false;
}

// BodyReader - sorts the members of a body.
struct BodyReader {
  Json fields = Json::object();
  Json inherited = Json::array();  // names of what is null
  std::vector<FieldProblem> problems;

  // The members of `object` that `known` names, as texts, under their names behind `prefix`.
  template <std::size_t N>
  void read(const Json& object, const Member (&known)[N], const std::string& prefix) {
    for (const auto& [name, value] : object.items()) {
      const auto member = std::ranges::find(known, name, &Member::name);
      if (member != std::end(known)) {
        if (value.is_null() && member->null == Null::kInherits) inherited.push_back(prefix + name);
        else if (!has_type(value, member->type))
          problems.push_back(wrong_type(prefix + name, value, *member));
        else if (value.is_string()) fields[prefix + name] = value;
        else if (!value.is_object()) fields[prefix + name] = value.dump();
      } else if (!prefix.empty() || std::ranges::find(kShown, name) == std::end(kShown)) {
        problems.push_back({prefix + name, "is no member of an account", "leave it out"});
      }
    }
  }
};

// The predecessor's timeout, and those that stand for it here: who read an account and changed one
// of the two means that one.
void settle_timeouts(Json& body, const Json& present) {
  const auto old_one = body.find("timeout_seconds");
  const auto timeouts = body.find("timeouts");
  if (!present.is_object() || old_one == body.end() || timeouts == body.end() ||
      !timeouts->is_object())
    return;
  if (*old_one != present["timeout_seconds"]) {
    timeouts->erase("first_byte");
    timeouts->erase("idle");
  } else {
    body.erase(old_one);
  }
}

// Who sends back what it has read does not mean to say what the account has of the configuration:
// values that `inherited` names in both, and that are as they were.
void leave_inherited(Json& body, const Json& present) {
  const auto named = body.find("inherited");
  if (named == body.end() || !named->is_array() || !present.is_object()) return;
  const Json& shown = present["inherited"];
  for (const Json& name : *named) {
    if (!name.is_string() || std::ranges::find(shown, name) == shown.end()) continue;
    const auto value = body.find(name.get_ref<const std::string&>());
    if (value != body.end() && *value == present[name.get_ref<const std::string&>()])
      body.erase(value);
  }
}

}  // namespace

AdminCall account_call(Json body, const Json& present) {
  AdminCall call;
  if (const auto key = body.find("api_key"); key != body.end() && key->is_string()) {
    call.secret = Secret(key->get_ref<const std::string&>());
    body.erase(key);
  }
  leave_inherited(body, present);
  settle_timeouts(body, present);
  BodyReader reader;
  reader.read(body, kMembers, "");
  if (const auto timeouts = body.find("timeouts");
      timeouts != body.end() && timeouts->is_object()) {
    reader.read(*timeouts, kTimeouts, "timeouts.");
  }
  call.faults = std::move(reader.problems);
  for (const auto& [member, arg] :
       {std::pair("model_mappings", "mappings"), {"metadata", "metadata"}})
    if (const auto given = body.find(member); given != body.end() && given->is_object())
      call.args[arg] = std::move(*given);
  call.args["fields"] = std::move(reader.fields);
  call.args["inherited"] = std::move(reader.inherited);
  call.args["from_network"] = true;
  return call;
}

}  // namespace sluice
