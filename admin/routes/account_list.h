#pragma once

#include <expected>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "admin/control_room.h"
#include "store/account_rows.h"

namespace sluice {

// ListedAccount - an account of the configuration or of the store, as it is set and as it is now.
//
// Lifetime  within its AccountList.
struct ListedAccount {
  std::string id;
  const AccountConfig* config = nullptr;
  std::unique_ptr<const AccountConfig> own;   // of the store: what `config` refers to
  std::optional<StoredAccount> stored;        // nothing: of the configuration
  Place origin;                               // of the configuration
  const Account* live = nullptr;              // null: not used (StoredEntries, left_out())
  const UnopenedAccount* unopened = nullptr;  // null: its key opens
};

// AccountList - all accounts at one moment.
//
// Owns      the configuration and the directory that its items refer to.
class AccountList {
 public:
  // The error is the store's: without one there are the configuration's alone.
  [[nodiscard]] static StoreResult<AccountList> read(Gateway& gateway);

  // By name.
  [[nodiscard]] const std::vector<ListedAccount>& accounts() const noexcept { return accounts_; }
  [[nodiscard]] const ListedAccount* find(std::string_view id) const noexcept;
  [[nodiscard]] const Directory& directory() const noexcept { return *directory_; }

  // One that is not used is disabled, or in error when its key does not open.
  [[nodiscard]] static AccountView view_of(const ListedAccount& account, Clock& clock);
  // The contract's Backend.
  [[nodiscard]] static nlohmann::json object_of(const ListedAccount& account, ControlRoom& room);

 private:
  [[nodiscard]] const UnopenedAccount* find_unopened(std::string_view name) const noexcept;

  std::shared_ptr<const Config> config_;
  std::shared_ptr<const Directory> directory_;
  std::vector<ListedAccount> accounts_;
};

}  // namespace sluice
