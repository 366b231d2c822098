// Accounts of the store, one at a time.
#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <map>

#include "admin/account_draft.h"
#include "admin/operations.h"
#include "admin/row_tag.h"
#include "admin/stored_entries.h"
#include "admin/upstream_rule.h"
#include "engine/config/redact.h"
#include "engine/config/schema.h"
#include "store/catalog.h"

namespace sluice {
namespace {

// What of `after`, made of a draft, a change does not touch.
void keep_of(const StoredAccount& before, const AccountDraft& draft, StoredAccount& after) {
  after.models = draft.models.value_or(before.models);
  after.metadata = draft.metadata.value_or(before.metadata);
  after.cost = before.cost;
  after.source = before.source;
  after.created_ms = before.created_ms;
  after.public_only = before.public_only;
}

// A key that is given as it is `shown` is none; nothing: it is one that nobody can mean.
std::optional<bool> gives_key(const Secret& given, std::string_view shown) {
  if (given.reveal().empty() || given.reveal() == shown) return false;
  if (given.reveal().find("****") != std::string_view::npos) return std::nullopt;
  return true;
}

std::optional<AdminAnswer> refuse_outdated(const AdminCall& call, const StoredAccount& account) {
  return sluice::refuse_outdated(call, row_tag(account),
                                 fmt::format("account \"{}\"", account.name));
}

// What is in `names` ("timeouts.idle", "rpm_limit") is the account's own no more.
void inherit(const std::vector<std::string>& names, AccountOverrides& own) {
  for (const std::string& name : names) {
    const bool old_timeout = name == "timeout_seconds";  // which stands for two
    if (name == "timeouts.first_byte" || old_timeout) own.first_byte.reset();
    if (name == "timeouts.idle" || old_timeout) own.idle.reset();
    if (name == "timeouts.connect") own.connect.reset();
    if (name == "timeouts.first_token") own.first_token.reset();
    if (name == "timeouts.total") own.total.reset();
    if (name == "rpm_limit") own.rpm_limit.reset();
    if (name == "tpm_limit") own.tpm_limit.reset();
    if (name == "rpd_limit") own.rpd_limit.reset();
    if (name == "concurrent_limit") own.concurrent_limit.reset();
    if (name == "window_seconds") own.window.reset();
    if (name == "bucket") own.bucket.reset();
    if (name == "learn_limits") own.learn_limits.reset();
  }
}

}  // namespace

AdminAnswer AdminDesk::put(const StoredAccount& account, std::string_view verb) {
  if (const auto at = configured_at(account.name))
    return refuse_taken(
        fmt::format("there is an account \"{}\" in {}: take another name, or "
                    "change it there, and reload",
                    account.name, *at));
  const auto put = put_account(writer_, account);
  if (!put && put.error().code == StoreErrc::kExists)
    return refuse_taken(fmt::format("there is an account \"{}\" in the store", account.name));
  if (!put) return failed(put.error());
  return {.text = fmt::format("account \"{}\" {}\n", account.name, verb),
          .changed = true,
          .object = {{"id", account.id}, {"name", account.name}}};
}

AdminAnswer AdminDesk::add_provider(const AdminCall& call) {
  AccountDraft draft;
  AccountConfig& account = draft.account;
  complete(account, draft.overrides, config_);
  const bool from_network = call.args.value("from_network", false);
  auto faults = with_faults_of(call, read_draft(call, AccountForm::kWhole, true, draft));
  if (from_network)
    if (auto fault = refuse_upstream(account.base_url, config_.admin.private_upstreams))
      faults.push_back(std::move(*fault));
  if (!faults.empty()) return refuse_faults(std::move(faults));
  const auto given = call.args.value("fields", nlohmann::json::object());
  inherit_input_price(account.cost, [&given](std::string_view key) {
    return given.contains("cost." + std::string(key));
  });
  if (auto full = no_room_for(1)) return std::move(*full);
  StoredAccount stored = to_stored(account, draft.overrides, draft.notes, make_account_id(),
                                   keys_.vault, now_unix_ms_);
  if (draft.models) stored.models = std::move(*draft.models);
  if (draft.metadata) stored.metadata = std::move(*draft.metadata);
  stored.public_only = from_network;
  return put(stored, "added");
}

AdminAnswer AdminDesk::change_provider(const AdminCall& call) {
  const auto found = get_account(writer_.environment(), call.args.value("id", ""));
  if (!found) return failed(found.error());
  if (!*found) return refuse_missing("there is no such account in the store");
  const StoredAccount& before = **found;
  if (auto outdated = refuse_outdated(call, before)) return std::move(*outdated);
  auto key = open_api_key(before, keys_.vault);
  const auto other_key =
      gives_key(call.secret, key ? redacted(key->reveal()) : std::string(kUnknownKey));
  AccountDraft draft{.account = from_stored(before, key ? std::move(*key) : Secret()),
                     .notes = notes_of(before),
                     .overrides = overrides_of(before),
                     .models = {},
                     .metadata = {}};
  inherit(call.args.value("inherited", std::vector<std::string>()), draft.overrides);
  complete(draft.account, draft.overrides, config_);
  auto faults = with_faults_of(
      call, read_draft(call, AccountForm::kChange, other_key.value_or(false), draft));
  if (!other_key)
    faults.push_back({"api_key", "is masked, and not as it is shown", "give the whole key"});
  if (!key && other_key && !*other_key)
    faults.push_back({"api_key", explain(key.error(), before), "give the account its key again"});
  const bool from_network = call.args.value("from_network", false);
  const bool moved = draft.account.base_url != before.api_base_url;
  if (moved && other_key && !*other_key)
    faults.push_back({"api_key", "is needed again, because api_base_url is another",
                      "give the key for that URL"});
  if (moved && from_network)
    if (auto fault = refuse_upstream(draft.account.base_url, config_.admin.private_upstreams))
      faults.push_back(std::move(*fault));
  if (!faults.empty()) return refuse_faults(std::move(faults));
  StoredAccount after =
      to_stored(draft.account, draft.overrides, draft.notes, before.id, keys_.vault, now_unix_ms_);
  keep_of(before, draft, after);
  if (moved && from_network) after.public_only = true;
  if (*other_key) {
    after.key_revision = before.key_revision + 1;
    seal_api_key(after, keys_.vault, draft.account.api_key);
  } else {
    after.key_revision = before.key_revision;
    after.api_key_sealed = before.api_key_sealed;
  }
  return put(after, "changed");
}

AdminAnswer AdminDesk::remove_provider(const AdminCall& call) {
  const std::string id = call.args.value("id", "");
  const std::string name = call.args.value("name", "");
  const auto found = id.empty() ? find_account(writer_.environment(), name)
                                : get_account(writer_.environment(), id);
  if (!found) return failed(found.error());
  if (!*found) {
    const auto at = configured_at(name);
    return refuse_missing(fmt::format("there is no account \"{}\" in the store{}",
                                      id.empty() ? name : id,
                                      at ? "; it stands in " + *at : std::string()));
  }
  if (auto outdated = refuse_outdated(call, **found)) return std::move(*outdated);
  if (const auto gone = delete_account(writer_, (*found)->id); !gone) return failed(gone.error());
  return {.text = fmt::format("account \"{}\" removed; what it used stays\n", (*found)->name),
          .changed = true,
          .object = {{"id", (*found)->id}, {"name", (*found)->name}}};
}

}  // namespace sluice
