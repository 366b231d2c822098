// Accounts that come from elsewhere than the configuration: the same rules hold.
#include "engine/config/account_fields.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

// An account that is fine, with some fields given otherwise; "" text takes a field out.
std::vector<AccountField> fields_with(std::initializer_list<AccountField> others) {
  std::vector<AccountField> fields = {
      {"name", "team-a"}, {"api_base_url", "https://api.example.com/v1"}, {"api_key", "sk-test-1"}};
  for (const AccountField& other : others) {
    std::erase_if(fields, [&](const AccountField& field) { return field.name == other.name; });
    fields.push_back(other);
  }
  return fields;
}

std::string text_of(const std::vector<AccountFieldFault>& faults) {
  std::string out;
  for (const AccountFieldFault& fault : faults)
    out += fault.field + ": " + fault.problem + " | " + fault.mend + "\n";
  return out;
}

std::string faults_of(std::initializer_list<AccountField> others) {
  AccountConfig account;
  AccountNotes notes;
  return text_of(validate_account(fields_with(others), {}, AccountForm::kWhole, account, notes));
}

TEST(AccountFields, AGoodAccountIsTaken) {
  AccountConfig account;
  AccountNotes notes;
  const auto fields = fields_with({{"rpm_limit", "60"},
                                   {"pool", "fallback"},
                                   {"enabled", "false"},
                                   {"api", "openai-completions"},
                                   {"timeout_seconds", "90"},
                                   {"tpm_limit", "1000"},
                                   {"model_prefix", "nvidia/"},
                                   {"timeouts.connect", "2s"},
                                   {"label", "the first"},
                                   {"notes", "two\nlines"}});
  const AccountModelFields models[] = {{.canonical = "m", .native_id = "v/m"}, {.canonical = "n"}};
  EXPECT_EQ(text_of(validate_account(fields, models, AccountForm::kWhole, account, notes)), "");
  EXPECT_EQ(account.name, "team-a");
  EXPECT_EQ(account.base_url, "https://api.example.com/v1");
  EXPECT_EQ(account.api_key.reveal(), "sk-test-1");
  EXPECT_EQ(account.rpm_limit, 60u);
  EXPECT_EQ(account.pool, Pool::kFallback);
  EXPECT_FALSE(account.enabled);
  EXPECT_EQ(account.tpm_limit, 1000u);
  EXPECT_EQ(account.model_prefix, "nvidia/");
  EXPECT_EQ(account.timeouts.connect, Duration(2s));
  EXPECT_EQ(account.timeouts.first_byte, Duration(90s));
  EXPECT_EQ(account.timeouts.idle, Duration(90s));
  ASSERT_EQ(account.models.size(), 2u);
  EXPECT_EQ(account.models[0].native, "v/m");
  EXPECT_EQ(account.models[1].native, "n");
}

struct FieldRow {
  const char* rule;
  AccountField field;
  std::string_view told;
};

const std::string kLongName(65, 'a');

const FieldRow kFieldRows[] = {
    {"a limit of nothing (fault 33)",
     {"rpm_limit", "abc"},
     "rpm_limit: \"abc\" is not a whole number | give a whole number from 1 to 1000000\n"},
    {"no limit", {"rpm_limit", "0"}, "rpm_limit: \"0\" is out of range | give a whole number"},
    {"a negative limit", {"rpm_limit", "-1"}, "rpm_limit: \"-1\" is out of range"},
    {"a fraction", {"rpm_limit", "1.5"}, "rpm_limit: \"1.5\" is not a whole number"},
    {"a limit with an exponent", {"rpm_limit", "1e3"}, "is not a whole number"},
    {"a limit beyond the limit", {"rpm_limit", "1000001"}, "is out of range"},
    {"a limit of 20 digits", {"rpm_limit", "99999999999999999999"}, "is out of range"},
    {"an empty limit", {"rpm_limit", ""}, "rpm_limit: \"\" is not a whole number"},
    {"an empty name", {"name", ""}, "name: \"\" is empty | give 1 to 64 letters"},
    {"a long name", {"name", kLongName}, "is longer than 64 characters"},
    {"a name with a line end", {"name", "a\nb"}, "name: \"a\\x0ab\" has a character"},
    {"a name with an escape", {"name", "a\x1b[31m"}, "has a character that a name cannot have"},
    {"another scheme",
     {"api_base_url", "ftp://x"},
     "api_base_url: \"ftp://x\": the URL begins neither with https:// nor with http:// | give a"},
    {"no scheme", {"api_base_url", "api.example.com"}, "the URL begins neither"},
    {"credentials in the URL",
     {"api_base_url", "https://me:secret@x/v1"},
     "api_base_url: \"https://****@x/v1\""},
    {"a query",
     {"api_base_url", "https://x/v1?key=1"},
     "api_base_url: \"https://x/v1?key=1\": the"},
    {"a fragment", {"api_base_url", "https://x/v1#a"}, "api_base_url: \"https://x/v1#a\": the"},
    {"a timeout of nothing",
     {"timeout_seconds", "soon"},
     "timeout_seconds: \"soon\" is not a duration | give a duration"},
    {"no timeout", {"timeout_seconds", "0"}, "timeout_seconds: \"0\" is out of range"},
    {"a negative timeout", {"timeout_seconds", "-5"}, "timeout_seconds: \"-5\" is not a duration"},
    {"a timeout of a year", {"timeout_seconds", "31536000"}, "is out of range"},
    {"an unknown pool",
     {"pool", "spare"},
     "pool: \"spare\" is unknown | give primary or fallback\n"},
    {"a key with a space",
     {"api_key", "sk-test- secret"},
     "api_key: the value has a character that a header field cannot carry | give a key"},
    {"a note with a control", {"notes", "a\x07"}, "notes: \"a\\x07\" has a control character"},
    {"a field that is none",
     {"rpm_limt", "1"},
     "rpm_limt: is no field of an account | say \"rpm_limit\""},
    {"a field that is nothing like one", {"zzzzzzzz", "1"}, "is no field of an account | leave it"},
};

TEST(AccountFields, WhatIsWrongIsNamedWithItsRemedy) {
  for (const FieldRow& row : kFieldRows) {
    const std::string faults = faults_of({row.field});
    EXPECT_NE(faults.find(row.told), std::string::npos) << row.rule << ": " << faults;
    EXPECT_EQ(std::ranges::count(faults, '|'), 1) << row.rule << ": " << faults;
    EXPECT_EQ(faults.find("secret"), std::string::npos) << row.rule << ": " << faults;
  }
}

TEST(AccountFields, AllFaultsAreToldAtOnce) {
  const std::string faults = faults_of({{"name", ""}, {"rpm_limit", "x"}, {"pool", "y"}});
  EXPECT_EQ(std::ranges::count(faults, '|'), 3) << faults;
}

TEST(AccountFields, ANewAccountIsWholeAndAChangeIsNot) {
  AccountConfig account;
  AccountNotes notes;
  const AccountField fields[] = {{"rpm_limit", "7"}};
  const auto faults = validate_account(fields, {}, AccountForm::kWhole, account, notes);
  ASSERT_EQ(faults.size(), 3u) << text_of(faults);
  EXPECT_EQ(faults[0].field + faults[1].field + faults[2].field, "namebase_urlapi_key");
  EXPECT_EQ(text_of(validate_account(fields, {}, AccountForm::kChange, account, notes)), "");
  EXPECT_EQ(account.rpm_limit, 7u);
}

TEST(AccountFields, AFieldIsGivenOnce) {
  AccountConfig account;
  AccountNotes notes;
  auto fields = fields_with({});
  fields.push_back({"name", "other"});
  EXPECT_EQ(text_of(validate_account(fields, {}, AccountForm::kWhole, account, notes)),
            "name: is given twice | give it once\n");
}

struct MappingRow {
  const char* rule;
  AccountModelFields model;
  std::string_view told;
};

constexpr MappingRow kMappingRows[] = {
    {"a model without a name", {.canonical = ""}, "model_mappings: \"\" is empty"},
    {"a control in a name",
     {.canonical = "m", .native_id = "a\n"},
     "model_mappings.m.native_id: \"a\\x0a\" has a control character"},
};

TEST(AccountFields, MappingsAreChecked) {
  for (const MappingRow& row : kMappingRows) {
    AccountConfig account;
    AccountNotes notes;
    const auto faults = validate_account(fields_with({}), std::span(&row.model, 1),
                                         AccountForm::kWhole, account, notes);
    ASSERT_EQ(faults.size(), 1u) << row.rule << text_of(faults);
    EXPECT_EQ(text_of(faults).find(row.told), 0u) << row.rule << ": " << text_of(faults);
  }
  const AccountModelFields twice[] = {{.canonical = "m"}, {.canonical = "m"}};
  AccountConfig account;
  AccountNotes notes;
  EXPECT_EQ(text_of(validate_account(fields_with({}), twice, AccountForm::kWhole, account, notes)),
            "model_mappings: \"m\" stands in it twice | give it once\n");
}

}  // namespace
}  // namespace sluice
