#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/config.h"

namespace sluice {

// AccountField - one value of an account as somebody gives it: a member of the admin API's object,
// or a column of the predecessor's table, as text.
//
// Its name is a key of `accounts` in the configuration ("rpm_limit", "timeouts.idle"), or what the
// predecessor called it: api_base_url, api, timeout_seconds; label, email and notes are checked
// and not kept.
struct AccountField {
  std::string_view name;
  std::string_view text;
};

// AccountModelFields - one entry of model_mappings; "" is what was not given. Costs in dollars for
// a token.
struct AccountModelFields {
  std::string_view canonical = {}, native_id = {};
  std::string_view cost_input = {}, cost_output = {};
  std::string_view cost_cache_read = {}, cost_cache_write = {};
  std::string_view context_window = {}, max_tokens = {};
};

struct AccountFieldFault {
  std::string field;    // as it was named: "rpm_limit", "model_mappings.gpt-4o.cost.input"
  std::string problem;  // `"abc" is not a whole number`; never the value of a key
  std::string mend;     // `give a whole number from 1 to 1000000`
};

enum class AccountForm {
  kWhole,   // a new account: what must be there must be given
  kChange,  // of one that exists: only what changes
};

// Checks all that is given by the rules of the configuration (engine/config/schema.h), so that an
// account is the same thing wherever it comes from, and puts what is accepted into `account`. All
// faults are told, none is repaired; with one of them `account` is not to be used (COMPAT, fault
// 33).
[[nodiscard]] std::vector<AccountFieldFault> validate_account(
    std::span<const AccountField> fields, std::span<const AccountModelFields> models,
    AccountForm form, AccountConfig& account);

}  // namespace sluice
