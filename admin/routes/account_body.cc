#include "admin/routes/account_body.h"

#include <algorithm>
#include <string_view>

namespace sluice {
namespace {

using Json = nlohmann::json;

enum class Type : std::uint8_t { kText, kNumber, kTruth, kObject };

struct Member {
  std::string_view name;
  Type type;
};

// What can be given: scalars go by these names to engine/config/account_fields.h.
constexpr Member kMembers[] = {{"name", Type::kText},         {"label", Type::kText},
                               {"api_base_url", Type::kText}, {"api", Type::kText},
                               {"api_key", Type::kText},      {"timeout_seconds", Type::kNumber},
                               {"pool", Type::kText},         {"enabled", Type::kTruth},
                               {"rpm_limit", Type::kNumber},  {"tpm_limit", Type::kNumber},
                               {"rpd_limit", Type::kNumber},  {"concurrent_limit", Type::kNumber},
                               {"bucket", Type::kText},       {"window_seconds", Type::kNumber},
                               {"weight", Type::kNumber},     {"learn_limits", Type::kTruth},
                               {"emergency", Type::kTruth},   {"model_prefix", Type::kText},
                               {"timeouts", Type::kObject},   {"model_mappings", Type::kObject},
                               {"metadata", Type::kObject}};
constexpr Member kTimeouts[] = {{"connect", Type::kNumber},
                                {"first_byte", Type::kNumber},
                                {"first_token", Type::kNumber},
                                {"idle", Type::kNumber},
                                {"total", Type::kNumber}};
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
                                       "cost"};

FieldProblem wrong_type(std::string field, const Json& value, Type type) {
  constexpr std::string_view kTypes[] = {"a text", "a number", "a truth value", "an object"};
  constexpr std::string_view kMends[] = {"give a text in quotes", "give a number without quotes",
                                         "give true or false", "give {...}"};
  const auto index = static_cast<std::size_t>(type);
  // A key must not stand in a message, not even one of a wrong type.
  const bool tells = field != "api_key" && !value.is_structured();
  return {field,
          (tells ? value.dump(-1, ' ', false, Json::error_handler_t::replace) + " is not "
                 : "is not ") +
              std::string(kTypes[index]),
          std::string(kMends[index])};
}

bool has_type(const Json& value, Type type) {
  switch (type) {
    case Type::kText: return value.is_string();
    case Type::kNumber: return value.is_number();
    case Type::kTruth: return value.is_boolean();
    case Type::kObject: return value.is_object();
  }
  return false;
}

// BodyReader - sorts the members of a body.
struct BodyReader {
  Json fields = Json::object();
  Json inherited = Json::array();  // names of timeouts that are null
  std::vector<FieldProblem> problems;

  // What a null says: of a timeout, that the gateway's holds again.
  enum class Null : std::uint8_t { kIsWrong, kInherits };

  // The members of `object` that `known` names, as texts, under their names behind `prefix`.
  template <std::size_t N>
  void read(const Json& object, const Member (&known)[N], const std::string& prefix, Null null) {
    for (const auto& [name, value] : object.items()) {
      const auto member = std::ranges::find(known, name, &Member::name);
      if (member != std::end(known)) {
        if (value.is_null() && null == Null::kInherits) inherited.push_back(prefix + name);
        else if (!has_type(value, member->type))
          problems.push_back(wrong_type(prefix + name, value, member->type));
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
  if (old_one == body.end() || timeouts == body.end() || !timeouts->is_object()) return;
  if (present.is_object() && *old_one != present["timeout_seconds"]) {
    timeouts->erase("first_byte");
    timeouts->erase("idle");
  } else {
    body.erase(old_one);
  }
}

}  // namespace

AdminCall account_call(Json body, const Json& present) {
  AdminCall call;
  if (const auto key = body.find("api_key"); key != body.end() && key->is_string()) {
    call.secret = Secret(key->get_ref<const std::string&>());
    body.erase(key);
  }
  settle_timeouts(body, present);
  BodyReader reader;
  reader.read(body, kMembers, "", BodyReader::Null::kIsWrong);
  if (const auto timeouts = body.find("timeouts");
      timeouts != body.end() && timeouts->is_object()) {
    reader.read(*timeouts, kTimeouts, "timeouts.", BodyReader::Null::kInherits);
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
