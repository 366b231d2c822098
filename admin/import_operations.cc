#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sysexits.h>

#include <chrono>
#include <set>

#include "admin/operations.h"
#include "admin/sidecar_history.h"
#include "admin/stored_entries.h"
#include "engine/config/account_fields.h"
#include "engine/config/scalar.h"
#include "store/catalog.h"

namespace sluice {
namespace {

// A name of the predecessor's, which may be any text, as one that we can have: what is no character
// of a name becomes '-'.
std::string fitting_name(const std::string& name) {
  std::string fitting = name;
  for (char& c : fitting) {
    if (!kNameRule.check(std::string_view(&c, 1)).empty()) c = '-';
  }
  return fitting;
}

// AccountTaker - takes the predecessor's accounts over, one after the other, and notes what is
// wrong with those that it cannot take.
//
// Lifetime  one import; refers to what it was given.
class AccountTaker {
 public:
  AccountTaker(const Config& config, const Vault& vault, const std::vector<StoredAccount>& present,
               std::int64_t now_unix_ms)
      : config_(&config), vault_(&vault), now_unix_ms_(now_unix_ms) {
    for (const AccountConfig& account : config.accounts) names_.insert(account.name);
    for (const StoredAccount& account : present) {
      names_.insert(account.name);
      present_ids_.insert(account.id);
    }
  }

  void take(const ImportedAccount& account, StoreImport& import);

  SidecarAccounts known;  // those too that were not taken: their history is
  std::vector<std::string> faults;
  std::vector<std::string> notes;
  bool came_before = false;

 private:
  [[nodiscard]] std::vector<AccountFieldFault> validate(const ImportedAccount& account,
                                                        const std::string& name,
                                                        AccountConfig& into, AccountOverrides& own,
                                                        AccountNotes& notes) const;

  const Config* config_;
  const Vault* vault_;
  std::int64_t now_unix_ms_;
  std::set<std::string> names_, present_ids_;
};

std::vector<AccountFieldFault> AccountTaker::validate(const ImportedAccount& account,
                                                      const std::string& name, AccountConfig& into,
                                                      AccountOverrides& own,
                                                      AccountNotes& notes) const {
  const std::string timeout = std::to_string(account.timeout_seconds);
  const std::string rpm = std::to_string(account.rpm_limit);
  const std::string tpm = std::to_string(account.tpm_limit);
  const AccountField fields[] = {{"name", name},
                                 {"api_base_url", account.base_url},
                                 {"api_key", account.api_key.reveal()},
                                 {"api", account.api},
                                 {"timeout_seconds", timeout},
                                 {"rpm_limit", rpm},
                                 {"tpm_limit", tpm},
                                 {"pool", account.is_fallback ? "fallback" : "primary"},
                                 {"enabled", account.enabled ? "true" : "false"},
                                 {"model_prefix", account.model_prefix},
                                 {"label", account.label}};
  std::vector<AccountModelFields> models;
  for (const StoredMapping& model : account.models)
    models.push_back({.canonical = model.canonical, .native_id = model.native_id});
  complete(into, own, *config_);
  auto faults = validate_account(fields, models, AccountForm::kWhole, into, notes);
  own = overrides_in(fields, into);
  return faults;
}

void AccountTaker::take(const ImportedAccount& account, StoreImport& import) {
  const std::string name = fitting_name(account.name);
  known[account.id] = {.name = name, .is_fallback = account.is_fallback};
  came_before = came_before || present_ids_.contains(account.id);
  AccountConfig accepted;
  AccountNotes noted;
  AccountOverrides own;
  const auto wrong = validate(account, name, accepted, own, noted);
  for (const AccountFieldFault& fault : wrong) {
    faults.push_back(fmt::format("account \"{}\": {}: {}; {}", account.name, fault.field,
                                 fault.problem, fault.mend));
  }
  if (!wrong.empty()) return;
  if (!names_.insert(name).second) {
    faults.push_back(
        fmt::format("account \"{}\": there is an account \"{}\" already", account.name, name));
    return;
  }
  if (name != account.name)
    notes.push_back(fmt::format("account \"{}\" is \"{}\" here", account.name, name));
  StoredAccount stored =
      to_stored(accepted, own, noted, is_account_id(account.id) ? account.id : make_account_id(),
                *vault_, now_unix_ms_);
  stored.source = AccountSource::kImport;
  stored.label = account.label.empty() && name != account.name ? account.name : account.label;
  stored.metadata = account.metadata_json;
  stored.created_ms = account.created_at_unix_ms.value_or(now_unix_ms_);
  stored.updated_ms = account.updated_at_unix_ms.value_or(now_unix_ms_);
  stored.models = account.models;
  import.accounts.push_back(std::move(stored));
}

void take_settings(const SidecarDocument& document, StoreImport& import,
                   std::vector<std::string>& faults) {
  for (const ImportedSetting& setting : document.settings) {
    if (setting.key.empty() || setting.key.size() > kStoredNameBytesMax) {
      faults.push_back(fmt::format("setting \"{}\": its key is empty or too long", setting.key));
      continue;
    }
    import.settings.push_back({.key = setting.key,
                               .value = setting.value,
                               .description = setting.description,
                               .updated_ms = setting.updated_at_unix_ms.value_or(0)});
  }
}

std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += "  " + text + "\n";
  return all;
}

std::string report(const StoreImport& import, const SidecarHistory& history, bool dry_run) {
  std::string text = dry_run ? "would be imported:\n" : "imported:\n";
  text += fmt::format("  {} accounts\n", import.accounts.size());
  text += fmt::format("  {} requests in {} sums of an hour, an account and a model\n",
                      history.requests, import.hours.size());
  if (history.filled_days > 0) {
    text += fmt::format("  {} days that had more than their hours: the rest is under \"{}\"\n",
                        history.filled_days, kNoAccount);
  }
  text += fmt::format("  {} cooldowns", import.cooldowns.size());
  if (history.joined_cooldowns > 0)
    text += fmt::format("; {} that ran beside another are one with it", history.joined_cooldowns);
  return text +
         fmt::format("\n  {} settings; those that are here already stay\n", import.settings.size());
}

// The ids of all accounts that it knows or knew, as far as the predecessor has made them: others
// may be another database's too. And its days: of an account that was deleted there, those alone
// are left.
std::vector<std::string> parts_of(const SidecarDocument& document) {
  std::set<std::string> parts;
  const auto add = [&parts](const std::string& id) {
    if (is_account_id(id)) parts.insert("sidecar-v2." + id);
  };
  for (const ImportedDay& day : document.days) {
    if (day.requests == 0) continue;
    parts.insert(fmt::format("sidecar-v2.day.{}.{}.{}.{}.{}.{}", day.day_unix_seconds,
                             day.is_fallback, day.requests, day.errors, day.tokens,
                             day.cost_nano_dollars));
  }
  for (const ImportedAccount& account : document.accounts) add(account.id);
  for (const ImportedUsageHour& hour : document.usage) add(hour.account_id);
  return {parts.begin(), parts.end()};
}

AdminAnswer refused(std::string text) { return {.exit_code = EX_DATAERR, .text = std::move(text)}; }

}  // namespace

AdminAnswer AdminDesk::import_sidecar(const AdminCall& call) {
  const auto document = decode_sidecar(call.secret);
  if (!document)
    return {.exit_code = EX_PROTOCOL, .text = "the gateway is of another version than sluice\n"};
  StoreImport import;
  import.origin = "sidecar-v2." + document->digest;
  const auto before = imported_at(writer_.environment(), import.origin);
  if (!before) return failed(before.error());
  if (*before != 0) {
    return refused(fmt::format(
        "this database was imported on {:%F at %T} UTC: again, its usage would count twice. "
        "Nothing was "
        "imported\n",
        std::chrono::sys_time<std::chrono::seconds>(std::chrono::seconds(*before / 1000))));
  }
  const auto present = list_accounts(writer_.environment());
  if (!present) return failed(present.error());
  AccountTaker taker(config_, keys_.vault, *present, now_unix_ms_);
  for (const ImportedAccount& account : document->accounts) taker.take(account, import);
  import.parts = parts_of(*document);
  const auto came_before = any_imported(writer_.environment(), import.parts);
  if (!came_before) return failed(came_before.error());
  if (taker.came_before || *came_before) {
    return refused(
        "accounts of this database have been taken: it was imported before, in an earlier state, "
        "and its usage would count twice. Nothing was imported; single accounts of it can be "
        "added with sluice providers add\n");
  }
  take_settings(*document, import, taker.faults);
  if (!taker.faults.empty() && !call.args.value("skip_unreadable", false)) {
    return refused(
        "nothing was imported, because of what follows (--skip-unreadable leaves it out)"
        "\n" +
        lines(taker.faults));
  }
  const SidecarHistory history = take_history(*document, taker.known, import);
  const bool dry_run = call.args.value("dry_run", false);
  if (!dry_run) {
    if (const auto applied = apply_import(writer_, import, now_unix_ms_); !applied)
      return failed(applied.error());
  }
  AdminAnswer answer{.text = report(import, history, dry_run), .changed = !dry_run};
  answer.text += lines(taker.notes);
  if (!taker.faults.empty()) answer.text += "left out:\n" + lines(taker.faults);
  return answer;
}

}  // namespace sluice
