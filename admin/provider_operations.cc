#include <fmt/format.h>
#include <strings.h>
#include <sysexits.h>

#include <map>

#include "admin/operations.h"
#include "admin/stored_entries.h"
#include "engine/config/account_fields.h"
#include "engine/config/provider_file.h"
#include "store/catalog.h"

namespace sluice {
namespace {

// Nothing in a file that comes in stands for something of this process.
class NoEnvironment final : public Environment {
 public:
  std::optional<std::string_view> find(std::string_view) const override { return std::nullopt; }
  std::vector<std::string> names(std::string_view) const override { return {}; }
};

AdminAnswer refused(std::string text) {
  return {.exit_code = EX_DATAERR, .text = std::move(text) + "\n"};
}

std::string text_of(const std::vector<AccountFieldFault>& faults) {
  std::string text;
  for (const AccountFieldFault& fault : faults) {
    text += fmt::format("{}{}: {}; {}", text.empty() ? "" : "\n", fault.field, fault.problem,
                        fault.mend);
  }
  return text;
}

}  // namespace

AdminAnswer AdminDesk::add_provider(const AdminCall& call) {
  const auto texts = [&call](const char* member) {
    return call.args.value(member, std::map<std::string, std::string>());
  };
  const std::map<std::string, std::string> given = texts("fields");
  std::vector<AccountField> fields;
  for (const auto& [name, text] : given) fields.push_back({name, text});
  fields.push_back({"api_key", call.secret.reveal()});
  const std::map<std::string, std::string> models = texts("models");
  std::vector<AccountModelFields> model_fields;
  for (const auto& [canonical, native] : models)
    model_fields.push_back({.canonical = canonical, .native_id = native});
  AccountConfig account;
  account.rpm_limit = config_.account_defaults.rpm_limit;
  account.timeouts = config_.timeouts.upstream;
  if (const auto faults = validate_account(fields, model_fields, AccountForm::kWhole, account);
      !faults.empty())
    return refused(text_of(faults));
  if (is_configured(account.name))
    return refused(
        fmt::format("there is an account \"{}\" in the configuration file", account.name));
  const auto put =
      put_account(writer_, to_stored(account, make_account_id(), keys_.vault, now_unix_ms_));
  if (!put && put.error().code == StoreErrc::kExists)
    return refused(fmt::format("there is an account \"{}\" in the store", account.name));
  if (!put) return failed(put.error());
  return {.text = fmt::format("account \"{}\" added\n", account.name), .changed = true};
}

AdminAnswer AdminDesk::remove_provider(const AdminCall& call) {
  const std::string name = call.args.value("name", "");
  const auto found = find_account(writer_.environment(), name);
  if (!found) return failed(found.error());
  if (!*found) {
    return refused(fmt::format("there is no account \"{}\" in the store{}", name,
                               is_configured(name) ? "; it stands in the configuration file" : ""));
  }
  if (const auto gone = delete_account(writer_, (*found)->id); !gone) return failed(gone.error());
  return {.text = fmt::format("account \"{}\" removed; what it used stays\n", name),
          .changed = true};
}

AdminAnswer AdminDesk::import_providers(const AdminCall& call) {
  const auto entries = read_provider_file(call.secret.reveal(), NoEnvironment());
  if (!entries) {
    std::string text;
    for (const ProviderFault& fault : entries.error())
      text += (text.empty() ? "" : "\n") + fault.text("providers");
    return refused(text + "\nnothing was imported");
  }
  std::vector<StoredAccount> accounts;
  for (const ProviderEntry& entry : *entries) {
    if (is_configured(entry.account.name))
      return refused(
          fmt::format("there is an account \"{}\" in the configuration file; nothing "
                      "was imported",
                      entry.account.name));
    const auto taken = find_account(writer_.environment(), entry.account.name);
    if (!taken) return failed(taken.error());
    if (*taken)
      return refused(fmt::format("there is an account \"{}\" in the store; nothing was imported",
                                 entry.account.name));
    accounts.push_back(to_stored(entry.account, make_account_id(), keys_.vault, now_unix_ms_));
    accounts.back().source = AccountSource::kImport;
  }
  if (const auto put = put_accounts(writer_, accounts); !put) return failed(put.error());
  return {.text = fmt::format("{} accounts imported\n", accounts.size()), .changed = true};
}

AdminAnswer AdminDesk::export_providers(const AdminCall& call) {
  const auto accounts = list_accounts(writer_.environment());
  if (!accounts) return failed(accounts.error());
  std::vector<ProviderEntry> entries;
  for (const StoredAccount& stored : *accounts) {
    auto key = open_api_key(stored, keys_.vault);
    if (!key) return refused(fmt::format("the key of account \"{}\" does not open", stored.name));
    entries.push_back({.account = from_stored(stored, std::move(*key))});
  }
  const KeyDisplay display =
      call.args.value("clear", false) ? KeyDisplay::kClear : KeyDisplay::kMasked;
  std::size_t bytes = 0;
  write_provider_file(entries, display, [&](std::string_view piece) { bytes += piece.size(); });
  std::string text;
  text.reserve(bytes);  // no copy of a key is left behind when it grows
  write_provider_file(entries, display, [&](std::string_view piece) { text += piece; });
  AdminAnswer answer{.secret = Secret(text)};
  explicit_bzero(text.data(), text.size());  // which no optimiser leaves out
  return answer;
}

}  // namespace sluice
