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
// predecessor and the admin API call it: api_base_url, api, timeout_seconds, window_seconds; label,
// email and notes are for people.
struct AccountField {
  std::string_view name;
  std::string_view text;
  bool is_json = false;  // a member of a JSON object: its number was one, durations are in seconds
};

// AccountModelFields - the names of one entry of model_mappings; without a native_id it is the
// canonical one.
struct AccountModelFields {
  std::string_view canonical = {}, native_id = {};
};

struct AccountFieldFault {
  std::string field;    // as it was named: "rpm_limit", "model_mappings.gpt-4o.native_id"
  std::string problem;  // `"abc" is not a whole number`; never the value of a key
  std::string mend;     // `give a whole number from 1 to 1000000`
};

enum class AccountForm {
  kWhole,   // a new account: what must be there must be given
  kChange,  // of one that exists: only what changes
};

// AccountNotes - what people write to an account for themselves.
struct AccountNotes {
  std::string label = {}, email = {}, notes = {};
};

// Checks all that is given by the rules of the configuration (engine/config/schema.h), so that an
// account is the same thing wherever it comes from, and puts what is accepted into `account`. All
// faults are told, none is repaired; with one of them `account` is not to be used (COMPAT, fault
// 33).
[[nodiscard]] std::vector<AccountFieldFault> validate_account(
    std::span<const AccountField> fields, std::span<const AccountModelFields> models,
    AccountForm form, AccountConfig& account, AccountNotes& notes);

}  // namespace sluice
