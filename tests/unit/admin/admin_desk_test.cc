// What the desk does, and what it refuses.
#include <sysexits.h>

#include "admin/stored_entries.h"
#include "store/catalog.h"
#include "store/vault/rotation.h"
#include "tests/unit/admin/admin_fixture.h"

namespace sluice::test {
namespace {

using Json = nlohmann::json;
using AdminDeskRows = AdminDeskTest;

struct RefusalRow {
  const char* what;
  const char* command;
  const char* args;
  const char* secret;
  int exit_code;
  const char* says;
};

constexpr RefusalRow kRefusalRows[] = {
    {"a command of another version", "providers.paint", "{}", "", EX_PROTOCOL, "knows no command"},
    {"no command", "", "{}", "", EX_PROTOCOL, "knows no command"},
    {"arguments that are no object", "providers.add", "[]", "k", EX_PROTOCOL, "malformed"},
    {"fields that are no object", "providers.add", R"({"fields":7})", "k", EX_PROTOCOL,
     "malformed"},
    {"a field that is no text", "providers.add", R"({"fields":{"name":["a"]}})", "k", EX_PROTOCOL,
     "malformed"},
    {"an account without anything", "providers.add", "{}", "", EX_DATAERR, "base_url: is missing"},
    {"a URL that is none", "providers.add",
     R"({"fields":{"name":"a","base_url":"ftp://a.example"}})", "k", EX_DATAERR, "base_url:"},
    {"a limit that is none", "providers.add",
     R"({"fields":{"name":"a","base_url":"https://a.example","rpm_limit":"abc"}})", "k", EX_DATAERR,
     "rpm_limit: \"abc\" is not a whole number"},
    {"a field that there is not", "providers.add",
     R"({"fields":{"name":"a","base_url":"https://a.example","rpm":"4"}})", "k", EX_DATAERR,
     "rpm: is no field of an account"},
    {"authorities that cannot be read", "providers.add",
     R"({"fields":{"name":"a","base_url":"https://a.example","ca_file":"/nowhere.pem"}})", "k",
     EX_DATAERR, "ca_file: "},
    {"a key with a line end in it", "providers.add",
     R"({"fields":{"name":"a","base_url":"https://a.example"}})", "sk-\nx", EX_DATAERR, "api_key:"},
    {"an account of the file", "providers.add",
     R"({"fields":{"name":"configured","base_url":"https://a.example"}})", "k", EX_DATAERR,
     "\"configured\" in the configuration file"},
    {"an account of the store", "providers.add",
     R"({"fields":{"name":"present","base_url":"https://a.example"}})", "k", EX_DATAERR,
     "\"present\" in the store"},
    {"to remove nobody", "providers.remove", R"({"name":"nobody"})", "", EX_DATAERR,
     "no account \"nobody\" in the store"},
    {"to remove what the file has", "providers.remove", R"({"name":"configured"})", "", EX_DATAERR,
     "stands in the configuration file"},
    {"a provider file that is none", "providers.import", "{}", "providers: 7", EX_DATAERR,
     "nothing was imported"},
    {"a provider file with an account of the store", "providers.import", "{}",
     "providers:\n- {account: new, api_key: k, endpoint_url: 'https://a.example'}\n"
     "- {account: present, api_key: k, endpoint_url: 'https://a.example'}\n",
     EX_DATAERR, "nothing was imported"},
    {"a client without a name", "clients.create", "{}", "", EX_DATAERR, "name: \"\" is empty"},
    {"a client's name with a space", "clients.create", R"({"name":"a b"})", "", EX_DATAERR,
     "name:"},
    {"a client that would be a segment of paths", "clients.create", R"({"name":".."})", "",
     EX_DATAERR, "name: \"..\" is a segment of paths, not a name; give 1 to 64 letters"},
    {"a client's limit below zero", "clients.create", R"({"name":"a","rpm_limit":-1})", "",
     EX_DATAERR, "rpm_limit: -1 is wrong"},
    {"a client's limit that is a text", "clients.create", R"({"name":"a","tpm_limit":"9"})", "",
     EX_DATAERR, "tpm_limit: \"9\" is wrong"},
    {"a client's priority that is none", "clients.create", R"({"name":"a","priority":"asap"})", "",
     EX_DATAERR, "priority: \"asap\" is none"},
    {"a budget below zero", "clients.create", R"({"name":"a","budget_usd":-0.5})", "", EX_DATAERR,
     "budget_usd: -0.5 is wrong"},
    {"a budget above the most", "clients.create", R"({"name":"a","budget_usd":1000000.01})", "",
     EX_DATAERR, "give dollars from 0 (no budget) to 1000000"},
    {"a budget that is no number", "clients.create", R"({"name":"a","budget_usd":null})", "",
     EX_DATAERR, "budget_usd: null is wrong"},
    {"a budget that would be counted as none", "clients.create",
     R"({"name":"a","budget_usd":1e-10})", "", EX_DATAERR, "budget_usd: 1e-10 is wrong"},
    {"a budget's period that is none", "clients.create", R"({"name":"a","budget_period":"week"})",
     "", EX_DATAERR, "budget_period: \"week\" is none"},
    {"models that are no list", "clients.create", R"({"name":"a","models":"m"})", "", EX_DATAERR,
     "models: \"m\" is no list"},
    {"a client of the file", "clients.create", R"({"name":"configured-client"})", "", EX_DATAERR,
     "in the configuration file"},
    {"to revoke nobody", "clients.revoke", R"({"name":"nobody"})", "", EX_DATAERR,
     "no client key \"nobody\""},
    {"a master key that is none", "keys.rotate", "{}", "abc", EX_DATAERR, "the new master key"},
    {"an import that is none", "import.sidecar", "{}", "abc", EX_PROTOCOL, "another version"},
};

TEST_F(AdminDeskRows, WhatIsRefusedChangesNothing) {
  ASSERT_EQ(add_provider("present").exit_code, EX_OK);
  for (const RefusalRow& row : kRefusalRows) {
    const AdminAnswer answer = ask(row.command, Json::parse(row.args), Secret(row.secret));
    EXPECT_EQ(answer.exit_code, row.exit_code) << row.what << ": " << answer.text;
    EXPECT_NE(answer.text.find(row.says), answer.text.npos) << row.what << ": " << answer.text;
    EXPECT_TRUE(answer.text.ends_with('\n')) << row.what;
    EXPECT_TRUE(answer.secret.empty()) << row.what;
    EXPECT_FALSE(answer.changed) << row.what;
    EXPECT_EQ(list_accounts(*environment_)->size(), 1u) << row.what;
    EXPECT_TRUE(list_client_keys(*environment_)->empty()) << row.what;
  }
}

TEST_F(AdminDeskRows, AnAccountIsKeptSealedAndComesBackWhole) {
  const AdminAnswer added = add_provider("team-a", {{"rpm_limit", "7"}, {"pool", "fallback"}});
  ASSERT_EQ(added.exit_code, EX_OK) << added.text;
  EXPECT_TRUE(added.changed);
  const auto stored = find_account(*environment_, "team-a");
  EXPECT_EQ((*stored)->api_key_sealed.find("sk-test-key"), std::string::npos);
  const auto entries = load_stored_entries(*environment_, keys_->vault);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->accounts.size(), 1u);
  EXPECT_EQ(entries->accounts[0].account.api_key.reveal(), "sk-test-key");
  EXPECT_EQ(entries->accounts[0].overrides.rpm_limit, 7u);
  EXPECT_EQ(entries->accounts[0].account.pool, Pool::kFallback);
  EXPECT_FALSE(entries->guarded);
}

TEST_F(AdminDeskRows, WhatAnAccountSaysItselfIsKept) {
  const Json fields = {{"window", "10s"},
                       {"bucket", "steady"},
                       {"learn_limits", "true"},
                       {"send_via", "false"},
                       {"timeouts.connect", "3s"},
                       {"timeouts.first_byte", "40s"},
                       {"timeouts.idle", "200s"},
                       {"timeouts.total", "10m"},
                       {"cost.input", "2.5"},
                       {"cost.cached_read", "0.5"},
                       {"label", "Team A"},
                       {"notes", "ask \"Ada\""},
                       {"timeouts.first_token", "9s"}};
  const AdminAnswer added = add_provider("team-a", fields);
  ASSERT_EQ(added.exit_code, EX_OK) << added.text;
  const auto entries = load_stored_entries(*environment_, keys_->vault);
  const auto directory = draft_directory(config_, &*entries);
  ASSERT_TRUE(directory);
  const Account& account = *(*directory)->accounts.back();
  EXPECT_EQ(account.window, 10s);
  EXPECT_EQ(account.bucket, BucketShape::kSteady);
  EXPECT_TRUE(account.learn_limits);
  EXPECT_FALSE(account.send_via);
  EXPECT_EQ(account.timeouts.connect, 3s);
  EXPECT_EQ(account.timeouts.first_byte, 40s);
  EXPECT_EQ(account.timeouts.first_token, 9s);
  EXPECT_EQ(account.timeouts.idle, 200s);
  EXPECT_EQ(account.timeouts.total, 10min);
  EXPECT_EQ(account.cost.input, 2'500'000u);
  EXPECT_EQ(account.cost.cached_read, 500'000u);
  EXPECT_EQ(account.cost.cached_write, 2'500'000u) << "without a price of their own";
  const AccountNotes notes = notes_of(**find_account(*environment_, "team-a"));
  EXPECT_EQ(notes.label, "Team A");
  EXPECT_EQ(notes.notes, "ask \"Ada\"");
}

// ... and for what it does not say, the configuration's defaults hold as they are at the time.
TEST_F(AdminDeskRows, WhatAnAccountDoesNotSayFollowsTheDefaults) {
  ASSERT_EQ(add_provider("team-a").exit_code, EX_OK);
  const auto entries = load_stored_entries(*environment_, keys_->vault);
  config_.account_defaults.window = 17s;
  config_.account_defaults.bucket = BucketShape::kSteady;
  config_.account_defaults.rpm_limit = 11;
  config_.account_defaults.tpm_limit = 12;
  config_.account_defaults.rpd_limit = 13;
  config_.account_defaults.concurrent_limit = 14;
  config_.timeouts.upstream.connect = 7s;
  config_.timeouts.upstream.first_byte = 8s;
  config_.timeouts.upstream.idle = 9s;
  const auto directory = draft_directory(config_, &*entries);
  const Account& account = *(*directory)->accounts.back();
  EXPECT_EQ(account.window, 17s);
  EXPECT_EQ(account.bucket, BucketShape::kSteady);
  EXPECT_EQ(account.rpm_limit, 11u);
  EXPECT_EQ(account.tpm_limit, 12u);
  EXPECT_EQ(account.rpd_limit, 13u);
  EXPECT_EQ(account.concurrent_limit, 14u);
  EXPECT_EQ(account.timeouts.connect, 7s);
  EXPECT_EQ(account.timeouts.first_byte, 8s);
  EXPECT_EQ(account.timeouts.idle, 9s);
}

TEST_F(AdminDeskRows, MoreAccountsThanADirectoryHoldsAreRefused) {
  for (std::size_t i = 1; i < kDirectoryAccountsMax; ++i) config_.accounts.emplace_back();
  const AdminAnswer added = add_provider("one-more");
  EXPECT_EQ(added.exit_code, EX_DATAERR);
  EXPECT_NE(added.text.find("there would be 1025 accounts"), added.text.npos) << added.text;
}

TEST_F(AdminDeskRows, ThoseThatTheConfigurationHasTooAreLeftOutAndNamed) {
  ASSERT_EQ(add_provider("team-a").exit_code, EX_OK);
  ASSERT_EQ(add_provider("team-b").exit_code, EX_OK);
  const auto entries = load_stored_entries(*environment_, keys_->vault);
  EXPECT_EQ(left_out(config_, *entries), "");
  config_.accounts[0].name = "team-b";
  EXPECT_EQ(left_out(config_, *entries), "team-b");
}

TEST_F(AdminDeskRows, TheExportIsTheImport) {
  ASSERT_EQ(add_provider("team-a").exit_code, EX_OK);
  ASSERT_EQ(add_provider("team-b").exit_code, EX_OK);
  AdminAnswer exported = ask("providers.export", {{"clear", true}});
  ASSERT_EQ(exported.exit_code, EX_OK);
  for (const char* const name : {"team-a", "team-b"})
    ASSERT_EQ(ask("providers.remove", {{"name", name}}).exit_code, EX_OK);
  const AdminAnswer imported =
      ask("providers.import", Json::object(), Secret(exported.secret.reveal()));
  EXPECT_EQ(imported.exit_code, EX_OK) << imported.text;
  EXPECT_EQ(load_stored_entries(*environment_, keys_->vault)->accounts.size(), 2u);
}

TEST_F(AdminDeskRows, TheExportIsTheImportOfAllThatAnAccountHas) {
  ASSERT_EQ(add_provider("team-a", {{"api", "anthropic"},
                                    {"tpm_limit", "500"},
                                    {"label", "Team A"},
                                    {"notes", "a: b"},
                                    {"enabled", "false"},
                                    {"weight", "3"},
                                    {"window", "60s"},
                                    {"timeouts.total", "10min"},
                                    {"cost.input", "1.5"}})
                .exit_code,
            EX_OK);
  auto before = list_accounts(*environment_);
  ASSERT_TRUE(before && before->size() == 1);
  before->at(0).models = {
      {.canonical = "ours", .native_id = "theirs", .cost = {.cached_read = 0, .cached_write = 0}},
      {.canonical = "dear",
       .native_id = "dear",
       .cost = {
           .input = 2'500'000'000, .output = 1'000'000'000, .cached_read = 0, .cached_write = 0}}};
  ASSERT_TRUE(put_accounts(*writer_, *before));
  const AdminAnswer exported = ask("providers.export", {{"clear", true}});
  EXPECT_TRUE(exported.secret.reveal().starts_with("providers:")) << "nothing is left out";
  ASSERT_EQ(ask("providers.remove", {{"name", "team-a"}}).exit_code, EX_OK);
  const AdminAnswer imported =
      ask("providers.import", Json::object(), Secret(exported.secret.reveal()));
  ASSERT_EQ(imported.exit_code, EX_OK) << imported.text;
  const auto after = list_accounts(*environment_);
  ASSERT_TRUE(after && after->size() == 1);
  EXPECT_EQ(after->at(0).models, before->at(0).models);
  EXPECT_EQ(after->at(0).label, "Team A");
  EXPECT_EQ(after->at(0).tpm_limit, 500u);
  const StoredAccount &then = before->at(0), &now = after->at(0);
  EXPECT_EQ(now.api, "anthropic-messages");
  EXPECT_EQ(now.metadata, then.metadata);
  EXPECT_FALSE(now.enabled);
  EXPECT_EQ(now.weight, 3u);
  EXPECT_EQ(now.timeout_ms, then.timeout_ms);
  EXPECT_EQ(now.idle_ms, then.idle_ms);
  EXPECT_EQ(now.window_ms, 60'000u);
  EXPECT_EQ(now.total_ms, 600'000u);
  EXPECT_FALSE(now.connect_ms || now.first_token_ms || now.bucket || now.learn_limits);
  EXPECT_EQ(now.cost.input, 1'500'000'000u);
}

TEST_F(AdminDeskRows, AnExportSaysWhatIsNotInIt) {
  ASSERT_EQ(add_provider("team-a").exit_code, EX_OK);
  auto accounts = list_accounts(*environment_);
  accounts->at(0).models = {{.canonical = "m", .native_id = "m", .context_window = 4096}};
  ASSERT_TRUE(put_accounts(*writer_, *accounts));
  const AdminAnswer exported = ask("providers.export", {{"clear", true}});
  const std::string_view text = exported.secret.reveal();
  EXPECT_TRUE(text.starts_with("# Not in this file: ")) << text;
  ASSERT_EQ(ask("providers.remove", {{"name", "team-a"}}).exit_code, EX_OK);
  EXPECT_EQ(ask("providers.import", Json::object(), Secret(text)).exit_code, EX_OK);
}

TEST_F(AdminDeskRows, AnExportInClearNamesWhomItLeavesOut) {
  for (const char* const name : {"team-a", "team-b"})
    ASSERT_EQ(add_provider(name).exit_code, EX_OK);
  auto accounts = list_accounts(*environment_);
  for (StoredAccount& account : *accounts)
    if (account.name == "team-a") account.api_key_sealed.back() ^= 1;
  ASSERT_TRUE(put_accounts(*writer_, *accounts));
  const AdminAnswer exported = ask("providers.export", {{"clear", true}});
  ASSERT_EQ(exported.exit_code, EX_OK);
  EXPECT_TRUE(exported.text.starts_with("account \"team-a\" is left out: ")) << exported.text;
  EXPECT_EQ(exported.object, (Json{{"left_out", 1}}));
  const std::string_view file = exported.secret.reveal();
  EXPECT_TRUE(file.starts_with("# " + exported.text + "providers:\n")) << file;
  // The comment is one line: the rest of the file is the other account.
  ASSERT_EQ(ask("providers.remove", {{"name", "team-b"}}).exit_code, EX_OK);
  const AdminAnswer imported = ask("providers.import", Json::object(), Secret(file));
  EXPECT_EQ(imported.exit_code, EX_OK) << imported.text;
  EXPECT_EQ(imported.object.size(), 1u);
}

TEST_F(AdminDeskRows, AMaskedExportHasNoKey) {
  ASSERT_EQ(add_provider("team-a").exit_code, EX_OK);
  const AdminAnswer exported = ask("providers.export");
  EXPECT_EQ(exported.secret.reveal().find("sk-test-key"), std::string_view::npos);
}

std::string fields_of(const AdminAnswer& answer) {
  std::string fields;
  for (const FieldProblem& fault : answer.faults) fields += fault.field + " ";
  return fields;
}

TEST_F(AdminDeskRows, AClientHasNoPriorityAboveItsLimit) {
  const Json both = {{"name", "a"}, {"priority", "urgent"}, {"priority_max", "low"}};
  EXPECT_EQ(fields_of(ask("clients.create", both)), "priority ");
  // The default follows the limit, and what is shown can be sent back.
  ASSERT_EQ(ask("clients.create", {{"name", "b"}, {"priority_max", "low"}}).exit_code, EX_OK);
  EXPECT_EQ((*get_client_key(*environment_, "b"))->priority, StoredPriority::kLow);
  EXPECT_EQ(fields_of(ask("clients.change", {{"name", "b"}, {"priority", "high"}})), "priority ");
  const Json higher = {{"name", "b"}, {"priority", "high"}, {"priority_max", "high"}};
  EXPECT_EQ(ask("clients.change", higher).exit_code, EX_OK);
  EXPECT_EQ(fields_of(ask("clients.change", {{"name", "b"}, {"priority_max", "normal"}})),
            "priority_max ");
  EXPECT_EQ(ask("clients.change", {{"name", "b"}, {"rpm_limit", 5U}}).exit_code, EX_OK);
}

TEST_F(AdminDeskRows, ARevokedKeyStillGuards) {
  const AdminAnswer made = ask("clients.create", {{"name", "web"}});
  ASSERT_EQ(made.exit_code, EX_OK);
  EXPECT_FALSE(made.secret.empty());
  EXPECT_EQ(made.text.find(made.secret.reveal()), made.text.npos);
  ASSERT_EQ(ask("clients.revoke", {{"name", "web"}}).exit_code, EX_OK);
  const auto entries = load_stored_entries(*environment_, keys_->vault);
  EXPECT_TRUE(entries->clients.empty());
  EXPECT_TRUE(entries->guarded);
  EXPECT_EQ(ask("clients.revoke", {{"name", "web"}}).exit_code, EX_DATAERR);
  EXPECT_EQ(ask("clients.create", {{"name", "web"}}).exit_code, EX_DATAERR) << "names stay taken";
}

TEST_F(AdminDeskRows, ARotationOpensAllKeysUnderTheNextKey) {
  ASSERT_EQ(add_provider("team-a").exit_code, EX_OK);
  const std::string digits(64, '7');
  const AdminAnswer rotated = ask("keys.rotate", Json::object(), Secret(digits));
  ASSERT_EQ(rotated.exit_code, EX_OK) << rotated.text;
  EXPECT_EQ(rotated.text.find(digits), rotated.text.npos);
  EXPECT_EQ(load_stored_entries(*environment_, keys_->vault)->accounts.size(), 1u);
  const auto again = open_key_ring(config_.store, EmptyEnvironment(), *writer_, kNowMs);
  ASSERT_TRUE(again) << "the file that was made has the next key";
  EXPECT_EQ(again->master.digits().reveal(), digits);
}

// Of a rotation that was cut off the new key may lie nowhere else.
TEST_F(AdminDeskRows, AnotherKeyDoesNotTakeThePlaceOfOneThatIsInUse) {
  ASSERT_EQ(add_provider("team-a").exit_code, EX_OK);
  const auto begun = MasterKey::parse(std::string(64, '7'), "");
  const std::string next = next_key_file(keys_->origin);
  ASSERT_TRUE(prepare_key_file(keys_->origin, *begun));
  const RotationState state{.from = keys_->master.id(), .to = begun->id(), .cursor = {}};
  ASSERT_TRUE(writer_->transact([&](WriteTransaction& transaction) {
    return transaction.put(Table::kMeta, kRotationKey, encode_rotation_state(state));
  }));
  const AdminAnswer other = ask("keys.rotate", Json::object(), Secret(std::string(64, '8')));
  EXPECT_EQ(other.exit_code, EX_DATAERR);
  EXPECT_NE(other.text.find(next), other.text.npos) << other.text;
  ASSERT_TRUE(MasterKey::read_file(next));
  EXPECT_EQ(MasterKey::read_file(next)->id(), begun->id());
  const AdminAnswer resumed = ask("keys.rotate", Json::object(), Secret());
  ASSERT_EQ(resumed.exit_code, EX_OK) << resumed.text;
  EXPECT_EQ(keys_->master.id(), begun->id());
  EXPECT_EQ(MasterKey::read_file(keys_->origin)->id(), begun->id());
}

}  // namespace
}  // namespace sluice::test
