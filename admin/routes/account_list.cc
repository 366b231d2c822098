#include "admin/routes/account_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "admin/account_id.h"
#include "admin/stored_entries.h"
#include "store/catalog.h"

namespace sluice {
namespace {

void add_configured(const Config& config, std::vector<ListedAccount>& accounts) {
  for (std::size_t i = 0; i < config.accounts.size(); ++i) {
    ListedAccount& item = accounts.emplace_back();
    item.config = &config.accounts[i];
    item.id = account_id_of(item.config->name);
    item.origin = config.origin_of(fmt::format("accounts[{}]", i));
    const Place name = config.origin_of(fmt::format("accounts[{}].base_url", i));
    if (item.origin.kind == Place::Kind::kDefault) item.origin = name;
  }
}

// What an account of the store does not say itself is the configuration's.
std::unique_ptr<const AccountConfig> complete_account(const StoredAccount& stored,
                                                      const Config& config) {
  auto account = std::make_unique<AccountConfig>(from_stored(stored, Secret()));
  complete(*account, overrides_of(stored), config);
  return account;
}

}  // namespace

StoreResult<AccountList> AccountList::read(Gateway& gateway) {
  AccountList list;
  list.config_ = gateway.config();
  list.directory_ = gateway.directory();
  add_configured(*list.config_, list.accounts_);
  const std::size_t configured = list.accounts_.size();
  if (StoreEnvironment* const store = gateway.store(); store != nullptr) {
    auto stored = list_accounts(*store);
    if (!stored) return store_fail(stored.error());
    for (StoredAccount& account : *stored) {
      ListedAccount& item = list.accounts_.emplace_back();
      item.id = account.id;
      item.own = complete_account(account, *list.config_);
      item.config = item.own.get();
      item.stored = std::move(account);
    }
  }
  std::map<std::string_view, const Account*> live;
  for (const auto& account : list.directory_->accounts) live.emplace(account->name, account.get());
  for (std::size_t i = 0; i < list.accounts_.size(); ++i) {
    ListedAccount& item = list.accounts_[i];
    const auto found = live.find(item.config->name);
    if (item.stored) item.unopened = list.find_unopened(item.config->name);
    if (found == live.end()) continue;
    item.live = found->second;
    if (i < configured) live.erase(found);  // one of the store with that name is not used
  }
  std::ranges::sort(list.accounts_, {},
                    [](const ListedAccount& item) { return item.config->name; });
  return list;
}

const UnopenedAccount* AccountList::find_unopened(std::string_view name) const noexcept {
  const auto found = std::ranges::find(directory_->unopened, name, &UnopenedAccount::name);
  return found == directory_->unopened.end() ? nullptr : &*found;
}

const ListedAccount* AccountList::find(std::string_view id) const noexcept {
  const auto found = std::ranges::find(accounts_, id, &ListedAccount::id);
  return found == accounts_.end() ? nullptr : &*found;
}

}  // namespace sluice
