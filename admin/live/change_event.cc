#include "admin/live/change_event.h"

#include <array>

namespace sluice {
namespace {

struct Row {
  std::string_view command;
  EventKind kind;
  std::string_view text;
};
constexpr Row kRows[] = {
    {"providers.add", EventKind::kAccountCreated, "The account was added."},
    {"providers.change", EventKind::kAccountChanged, "The account was changed."},
    {"providers.remove", EventKind::kAccountDeleted, "The account was removed."},
    {"providers.import", EventKind::kAccountCreated, "Accounts were imported."},
    {"providers.export", EventKind::kExport, "Accounts were exported."},
    {"clients.create", EventKind::kClientCreated, "The client key was made."},
    {"clients.change", EventKind::kClientChanged, "The client was changed."},
    {"clients.revoke", EventKind::kClientRevoked, "The client key was revoked."},
    {"prices.put", EventKind::kPriceChanged, "A price was changed."},
    {"prices.remove", EventKind::kPriceChanged, "A price was removed."},
    {"settings.put", EventKind::kConfigChanged, "Settings were changed."},
    {"settings.remove", EventKind::kConfigChanged, "A setting was removed."},
    {"import.sidecar", EventKind::kAccountCreated, "The predecessor's database was imported."},
    {"keys.rotate", EventKind::kConfigChanged, "The master key was changed."},
};

// The name that a call is about, where it gives one.
std::string name_in(const nlohmann::json& args) {
  if (const auto name = args.find("name"); name != args.end() && name->is_string())
    return name->get<std::string>();
  if (const auto fields = args.find("fields"); fields != args.end() && fields->is_object())
    return name_in(*fields);
  return {};
}

}  // namespace

std::optional<Event> event_of(const AdminCall& call, const AdminAnswer& answer) {
  for (const Row& row : kRows) {
    if (row.command != call.command) continue;
    Event event{.kind = row.kind,
                .account = {},
                .backend_id = {},
                .client = {},
                .text = std::string(row.text),
                .values = {{"what", call.command}}};
    // Who did not do this himself has keys to change.
    if (event.kind == EventKind::kExport && call.args.is_object() &&
        call.args.value("clear", false)) {
      event.text = "Accounts were exported, their keys in clear.";
      event.values = {{"what", "providers.export.clear"}};
      event.own_severity = Severity::kWarning;
    }
    if (call.command.starts_with("providers.") && answer.object.is_object()) {
      event.account = answer.object.value("name", name_in(call.args));
      event.backend_id = answer.object.value("id", "");
    }
    if (call.command.starts_with("clients.")) event.client = name_in(call.args);
    return event;
  }
  return std::nullopt;
}

}  // namespace sluice
