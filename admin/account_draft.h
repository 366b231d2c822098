#pragma once

#include <optional>
#include <string>
#include <vector>

#include "admin/operations.h"
#include "engine/config/account_fields.h"
#include "engine/config/build_directory.h"
#include "store/account_rows.h"

namespace sluice {

// AccountDraft - an account that is being made or changed.
struct AccountDraft {
  AccountConfig account;
  AccountNotes notes;
  AccountOverrides overrides;
  std::optional<std::vector<StoredMapping>> models;  // nothing: as `account` has them
  std::optional<std::string> metadata;               // JSON
};

// Puts into `draft` what `call` gives (AdminDesk, providers.add): all that is wrong with it.
// `secret_is_key`: of a change it may be that no key is given.
[[nodiscard]] std::vector<FieldProblem> read_draft(const AdminCall& call, AccountForm form,
                                                   bool secret_is_key, AccountDraft& draft);

}  // namespace sluice
