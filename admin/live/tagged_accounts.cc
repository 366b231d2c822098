#include "admin/live/tagged_accounts.h"

#include <string_view>
#include <unordered_set>

#include "admin/account_id.h"
#include "store/catalog.h"

namespace sluice {

TaggedAccounts::TaggedAccounts(const Directory& directory, const Config& config,
                               StoreEnvironment* store) {
  for (const auto& account : directory.accounts)
    by_name_.emplace(account->name, AccountTags{account_id_of(account->name), {}});
  for (const UnopenedAccount& account : directory.unopened)
    by_name_.emplace(account.name, AccountTags{account_id_of(account.name), {}});
  if (store == nullptr) return;
  const auto stored = list_accounts(*store);
  if (!stored) return;
  std::unordered_set<std::string_view> configured;
  for (const AccountConfig& account : config.accounts) configured.insert(account.name);
  for (const StoredAccount& account : *stored) {
    const auto found = by_name_.find(account.name);
    if (!configured.contains(account.name) && found != by_name_.end())
      found->second = {account.id, account.label};
  }
}

const AccountTags* TaggedAccounts::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

std::string TaggedAccounts::id_of(std::string_view name) const {
  const AccountTags* const tags = find(name);
  return tags == nullptr ? account_id_of(name) : tags->id;
}

std::string TaggedAccounts::name_of(std::string_view id) const {
  for (const auto& [name, tags] : by_name_) {
    if (tags.id == id) return name;
  }
  return {};
}

}  // namespace sluice
