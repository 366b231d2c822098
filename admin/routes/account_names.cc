#include "admin/routes/account_names.h"

#include "admin/account_id.h"
#include "store/catalog.h"
#include "store/queries.h"

namespace sluice {

StoreResult<AccountNames> AccountNames::read(Gateway& gateway, StoreEnvironment& store) {
  AccountNames names;
  names.store_ = &store;
  // An account of the configuration goes before a stored one of its name.
  for (const AccountConfig& account : gateway.config()->accounts)
    names.ids_.emplace(account.name, account_id_of(account.name));
  const auto stored = list_accounts(store);
  if (!stored) return store_fail(stored.error());
  for (const StoredAccount& account : *stored) names.ids_.emplace(account.name, account.id);
  for (const auto& [name, id] : names.ids_) names.names_.emplace(id, name);
  return names;
}

std::optional<std::string> AccountNames::id_of(std::string_view name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

StoreResult<std::string> AccountNames::name_of(std::string_view given) const {
  if (const auto found = names_.find(given); found != names_.end()) return found->second;
  if (is_account_id(given)) {
    const auto used = usage_by(*store_, UsageSide::kAccount);
    if (!used) return store_fail(used.error());
    for (const NamedUsage& account : *used)
      if (account_id_of(account.name) == given) return account.name;
  }
  return std::string(given);
}

}  // namespace sluice
