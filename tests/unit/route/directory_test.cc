#include "engine/route/directory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/route/route_fixture.h"

namespace sluice::test {
namespace {

struct NativeRow {
  const char* rule;
  std::vector<ModelMapping> models;
  const char* prefix;
  const char* model;
  std::optional<std::string_view> native;
};

const NativeRow kNativeRows[] = {
    {"without mappings every model goes under its own name", {}, "", "gpt-4o", "gpt-4o"},
    {"a mapped model goes under its native name", {{"a", "vendor/a"}}, "", "a", "vendor/a"},
    {"with mappings another model is not served", {{"a", "vendor/a"}}, "", "b", {}},
    {"a native name is no canonical one", {{"a", "vendor/a"}}, "", "vendor/a", {}},
    {"mappings are found in whatever order they came",
     {{"c", "C"}, {"a", "A"}, {"b", "B"}},
     "",
     "b",
     "B"},
    {"the prefix is matched and stripped", {}, "nvidia/", "nvidia/x", "x"},
    {"only one prefix is stripped", {}, "nvidia/", "nvidia/nvidia/x", "nvidia/x"},
    {"without the prefix a model is not served", {}, "nvidia/", "x", {}},
    {"a prefix matches as it is written", {}, "nvidia/", "NVIDIA/x", {}},
    {"the prefix alone names no model", {}, "nvidia/", "nvidia/", {}},
    {"mapping before prefix", {{"nvidia/x", "special"}}, "nvidia/", "nvidia/x", "special"},
    {"prefix behind mapping", {{"nvidia/x", "special"}}, "nvidia/", "nvidia/y", "y"},
};

TEST(Directory, NativeModelRows) {
  for (const NativeRow& row : kNativeRows) {
    SCOPED_TRACE(row.rule);
    const Directory directory =
        make_directory({{.name = "a", .models = row.models, .prefix = row.prefix}});
    EXPECT_EQ(directory.accounts[0]->native_model(row.model), row.native);
    // The routes say the same.
    const Route* const route = directory.find_route(row.model);
    ASSERT_EQ(route != nullptr, row.native.has_value());
    if (route == nullptr) continue;
    ASSERT_EQ(route->candidates.size(), 1u);
    EXPECT_EQ(route->candidates[0].native_model(row.model), *row.native);
  }
}

// For every model and every account, the routes agree with Account::native_model().
TEST(Directory, RoutesAgreeWithTheAccounts) {
  const std::vector<AccountRow> rows = {
      {.name = "open"},
      {.name = "mapped", .models = {{"a/b/x", "one"}, {"y", "two"}, {"z", "three"}}},
      {.name = "a", .prefix = "a/"},
      {.name = "ab", .prefix = "a/b/"},
      {.name = "ab-mapped", .models = {{"y", "four"}, {"a/b/y", "five"}}, .prefix = "a/b/"},
      {.name = "b", .pool = Pool::kFallback, .prefix = "b"},
      {.name = "off", .models = {{"z", "six"}}, .enabled = false},
  };
  for (std::size_t without = 0; without <= rows.size(); ++without) {
    std::vector<AccountRow> some = rows;
    if (without < rows.size()) some.erase(some.begin() + static_cast<std::ptrdiff_t>(without));
    const Directory directory = make_directory(some);
    for (const char* const model : {"x", "y", "z", "a", "a/", "a/x", "a/b", "a/b/", "a/b/x",
                                    "a/b/y", "a/b/z", "b", "bb", "c/a/b/x"}) {
      SCOPED_TRACE(testing::Message() << "without " << without << ", model " << model);
      std::vector<std::string> expected;
      bool known = false;
      for (const Pool pool : {Pool::kPrimary, Pool::kFallback}) {
        for (const auto& account : directory.accounts) {
          const auto native = account->native_model(model);
          if (account->pool != pool || !native) continue;
          known = true;
          if (account->enabled) expected.push_back(account->name + " " + std::string(*native));
        }
      }
      std::vector<std::string> actual;
      const Route* const route = directory.find_route(model);
      ASSERT_EQ(route != nullptr, known);
      if (route == nullptr) continue;
      for (const Candidate& candidate : route->candidates) {
        actual.push_back(candidate.account->name + " " +
                         std::string(candidate.native_model(model)));
      }
      EXPECT_EQ(actual, expected);
    }
  }
}

TEST(Directory, ARequestWithoutAModelMayGoToEveryEnabledAccount) {
  const Directory directory = make_directory({{.name = "a", .models = {{"x", "y"}}},
                                              {.name = "b", .prefix = "p/"},
                                              {.name = "c", .enabled = false},
                                              {.name = "d"}});
  const Route* const route = directory.find_route("");
  ASSERT_NE(route, nullptr);
  ASSERT_EQ(route->candidates.size(), 3u);
  for (const Candidate& candidate : route->candidates) EXPECT_EQ(candidate.native_model(""), "");
  EXPECT_EQ(make_directory({}).find_route(""), nullptr);
}

TEST(Directory, ListsTheModelsThatEnabledAccountsMap) {
  const Directory directory =
      make_directory({{.name = "a", .models = {{"z", "1"}, {"m", "2"}}},
                      {.name = "b", .models = {{"m", "3"}, {"b", "4"}}},
                      {.name = "c", .models = {{"off", "5"}}, .enabled = false}});
  EXPECT_EQ(directory.model_names, (std::vector<std::string>{"b", "m", "z"}));
}

TEST(Directory, FindsAClientByTheDigestOfItsKey) {
  Directory directory;
  for (const int byte : {7, 1, 200, 3}) {
    ClientKey key;
    key.name = "client-" + std::to_string(byte);
    std::memset(key.sha256, byte, sizeof(key.sha256));
    key.models = {"b", "a"};
    directory.clients.push_back(key);
  }
  finish_directory(directory, nullptr, kStart);
  for (const int byte : {1, 3, 7, 200}) {
    std::uint8_t digest[32];
    std::memset(digest, byte, sizeof(digest));
    const ClientKey* const found = directory.find_client(digest);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->name, "client-" + std::to_string(byte));
    EXPECT_EQ(found->models, (std::vector<std::string>{"a", "b"}));
    digest[31] ^= 1;
    EXPECT_EQ(directory.find_client(digest), nullptr);
  }
}

TEST(Directory, AnAccountKeepsItsStateWhereverItStands) {
  const Directory first = make_directory({{.name = "a"}, {.name = "b"}});
  const Directory second = make_directory(
      {{.name = "c"}, {.name = "b", .rpm_limit = 80}, {.name = "a"}}, Strategy::kOrdered, &first);
  EXPECT_EQ(second.accounts[2]->state, first.accounts[0]->state);
  EXPECT_EQ(second.accounts[1]->state, first.accounts[1]->state);
  EXPECT_EQ(second.accounts[1]->state->limit(), 80u);  // first's shards draw on the same tokens
  EXPECT_EQ(second.accounts[0]->state->limit(), 40u);
}

struct HeirRow {
  const char* rule;
  std::vector<AccountRow> after;  // a has key 1 and b key 2
  std::vector<char> states;       // whose each one has: 'a', 'b', '-' for a fresh one
};

const HeirRow kHeirRows[] = {
    {"a new name for an old key", {{.name = "x", .api_key = "sk-test-1"}}, {'a'}},
    {"a new key under an old name", {{.name = "a", .api_key = "sk-test-3"}}, {'-'}},
    {"names that change places",
     {{.name = "a", .api_key = "sk-test-2"}, {.name = "b", .api_key = "sk-test-1"}},
     {'b', 'a'}},
    {"a name that goes over to a new key, beside the old one",
     {{.name = "a", .api_key = "sk-test-3"}, {.name = "x", .api_key = "sk-test-1"}},
     {'-', 'a'}},
    {"a second account with an old key takes nothing from the first",
     {{.name = "x", .api_key = "sk-test-1"}, {.name = "a", .api_key = "sk-test-1"}},
     {'-', 'a'}},
    {"of two new names for one key the first",
     {{.name = "x", .api_key = "sk-test-2"}, {.name = "y", .api_key = "sk-test-2"}},
     {'b', '-'}},
};

TEST(Directory, TheStateGoesWithTheKeyAndNotWithTheName) {
  for (const HeirRow& row : kHeirRows) {
    SCOPED_TRACE(row.rule);
    const Directory first = make_directory(
        {{.name = "a", .api_key = "sk-test-1"}, {.name = "b", .api_key = "sk-test-2"}});
    const Directory second = make_directory(row.after, Strategy::kOrdered, &first);
    for (std::size_t i = 0; i < row.states.size(); ++i) {
      const AccountState* const state = second.accounts[i]->state.get();
      const char whose = state == first.accounts[0]->state.get()   ? 'a'
                         : state == first.accounts[1]->state.get() ? 'b'
                                                                   : '-';
      EXPECT_EQ(whose, row.states[i]) << "account " << i;
    }
  }
}

TEST(Directory, AnotherEndpointIsAnotherBudget) {
  const Directory first = make_directory({{.name = "a"}});
  for (const bool moved : {false, true}) {
    auto account = std::make_unique<Account>();
    account->name = "renamed";
    account->endpoint.host = moved ? "other.test" : "provider.test";
    account->api_key = Secret("sk-test-1");
    Directory next;
    next.accounts.push_back(std::move(account));
    finish_directory(next, &first, kStart);
    EXPECT_EQ(next.accounts[0]->state == first.accounts[0]->state, !moved);
  }
}

TEST(Directory, ADepartedAccountComesBackUnderAnotherName) {
  const Directory first = make_directory({{.name = "a", .rpm_limit = 1}});
  complete(Permit::take(*first.accounts[0], kStart), kStart);
  const Directory second = make_directory({}, Strategy::kOrdered, &first, kStart + 1s);
  const Directory third =
      make_directory({{.name = "x", .rpm_limit = 1}}, Strategy::kOrdered, &second, kStart + 2s);
  EXPECT_EQ(third.accounts[0]->state->available(kStart + 2s), 0u);
  EXPECT_TRUE(third.departed.empty());
}

// A key that is taken out and put back has spent what it had spent.
TEST(Directory, AReplacedKeyIsADepartedOne) {
  const Directory first = make_directory({{.name = "a", .rpm_limit = 1}});
  complete(Permit::take(*first.accounts[0], kStart), kStart);
  const Directory second = make_directory({{.name = "a", .rpm_limit = 1, .api_key = "sk-test-2"}},
                                          Strategy::kOrdered, &first, kStart + 1s);
  EXPECT_EQ(second.accounts[0]->state->available(kStart + 1s), 1u);
  ASSERT_EQ(second.departed.size(), 1u);
  const Directory third =
      make_directory({{.name = "a", .rpm_limit = 1}}, Strategy::kOrdered, &second, kStart + 2s);
  EXPECT_EQ(third.accounts[0]->state->available(kStart + 2s), 0u);
}

TEST(Directory, AnAccountThatComesBackHasSpentWhatItHadSpent) {
  const std::vector<AccountRow> both = {{.name = "a", .rpm_limit = 1}, {.name = "b"}};
  const Directory first = make_directory(both);
  complete(Permit::take(*first.accounts[0], kStart), kStart);
  const Directory second = make_directory({both[1]}, Strategy::kOrdered, &first, kStart + 1s);
  const Directory third = make_directory({both[1]}, Strategy::kOrdered, &second, kStart + 2s);
  const Directory fourth = make_directory(both, Strategy::kOrdered, &third, kStart + 3s);
  EXPECT_EQ(fourth.accounts[0]->state->available(kStart + 3s), 0u);
  EXPECT_TRUE(fourth.departed.empty());
}

TEST(Directory, ADepartedAccountIsForgottenWhenNothingIsLeftToRemember) {
  std::optional<Directory> first = make_directory({{.name = "a"}, {.name = "b"}});
  complete(Permit::take(*first->accounts[0], kStart), kStart);
  std::optional<Directory> second = make_directory({}, Strategy::kOrdered, &*first, kStart + 1s);
  ASSERT_EQ(second->departed.size(), 2u);
  first.reset();
  std::optional<Directory> third = make_directory({}, Strategy::kOrdered, &*second, kStart + 2s);
  ASSERT_EQ(third->departed.size(), 1u);
  EXPECT_EQ(third->departed[0].name, "a");
  second.reset();
  const Directory fourth = make_directory({}, Strategy::kOrdered, &*third, kStart + 61s);
  EXPECT_TRUE(fourth.departed.empty());
}

// A request that began with the first directory may go on to an account that has left meanwhile and
// come back: it draws on the same tokens.
TEST(Directory, ADepartedAccountIsRememberedWhileAnOlderDirectoryLives) {
  const std::vector<AccountRow> rows = {{.name = "a"}};
  const Directory first = make_directory(rows);
  const Directory second = make_directory({}, Strategy::kOrdered, &first, kStart + 1s);
  const Directory third = make_directory({}, Strategy::kOrdered, &second, kStart + 2s);
  const Directory fourth = make_directory(rows, Strategy::kOrdered, &third, kStart + 3s);
  EXPECT_EQ(fourth.accounts[0]->state, first.accounts[0]->state);
}

struct CredentialRow {
  const char* rule;
  AccountRow after;
  bool still_in_error;
};

const CredentialRow kCredentialRows[] = {
    {"a reload alone does not mend an account", {.name = "a"}, true},
    {"another limit does not", {.name = "a", .rpm_limit = 50}, true},
    {"another key does", {.name = "a", .api_key = "sk-test-2"}, false},
    {"being disabled and enabled again does", {.name = "a", .enabled = false}, false},
};

TEST(Directory, AnAccountInErrorStaysSoUntilItIsChanged) {
  for (const CredentialRow& row : kCredentialRows) {
    SCOPED_TRACE(row.rule);
    const Directory first = make_directory({{.name = "a"}});
    first.accounts[0]->state->reject(first.accounts[0]->generation);
    Directory second = make_directory({row.after}, Strategy::kOrdered, &first);
    if (!row.after.enabled) second = make_directory({{.name = "a"}}, Strategy::kOrdered, &second);
    const Account& account = *second.accounts[0];
    EXPECT_EQ(account.state->rejected(account.generation), row.still_in_error);
  }
}

}  // namespace
}  // namespace sluice::test
