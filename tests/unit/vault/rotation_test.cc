// Rotation of the master key: killed at every step and gone on with.
#include "store/vault/rotation.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/vault/keys.h"

namespace sluice {
namespace {

constexpr std::int64_t kNow = 1'768'480'496'000;

struct StoredField {
  std::string record;
  std::uint64_t revision = 0;
  std::string sealed;
};

struct Contents {
  std::map<std::string, StoredField> fields;
  std::optional<RotationState> rotation;
  std::string key_check;
};

// MemoryStore - a store that dies: after `calls_left` calls it forgets what was not committed and
// answers nothing any more, until it is started again.
class MemoryStore final : public SealedFields {
 public:
  explicit MemoryStore(Contents contents) : committed(contents), seen_(std::move(contents)) {}

  Contents committed;
  int calls = 0;
  int calls_left = 1'000'000;

  void restart(int calls_allowed) {
    seen_ = committed;
    calls_left = calls_allowed;
  }

  Result<std::vector<SealedField>> page(std::string_view after, std::size_t max) override {
    if (dies()) return fail(Errc::kOs, Side::kOurs);
    std::vector<SealedField> out;
    for (auto at = seen_.fields.upper_bound(std::string(after));
         at != seen_.fields.end() && out.size() < max; ++at)
      out.push_back({at->first, "accounts", at->second.record, "api_key", at->second.revision,
                     at->second.sealed});
    return out;
  }
  Result<void> replace(const SealedField& field, std::string_view sealed) override {
    if (dies()) return fail(Errc::kOs, Side::kOurs);
    seen_.fields.at(field.key).sealed = sealed;
    return {};
  }
  Result<std::optional<RotationState>> rotation() override {
    if (dies()) return fail(Errc::kOs, Side::kOurs);
    return seen_.rotation;
  }
  Result<void> set_rotation(const std::optional<RotationState>& state) override {
    if (dies()) return fail(Errc::kOs, Side::kOurs);
    if (!state) {
      seen_.rotation.reset();
      return {};
    }
    // As a store would keep it.
    seen_.rotation = parse_rotation_state(encode_rotation_state(*state));
    EXPECT_EQ(seen_.rotation, state);
    return {};
  }
  Result<std::string> key_check() override {
    if (dies()) return fail(Errc::kOs, Side::kOurs);
    return seen_.key_check;
  }
  Result<void> set_key_check(std::string_view value) override {
    if (dies()) return fail(Errc::kOs, Side::kOurs);
    seen_.key_check = value;
    return {};
  }
  Result<void> commit() override {
    if (dies()) return fail(Errc::kOs, Side::kOurs);
    committed = seen_;
    return {};
  }

 private:
  bool dies() {
    EXPECT_GE(calls_left, 0) << "asked again after it had failed";
    ++calls;
    return --calls_left < 0;
  }
  Contents seen_;
};

FieldRef ref_of(const StoredField& field) {
  return {
      .table = "accounts", .record = field.record, .field = "api_key", .revision = field.revision};
}

std::string clear_of(const StoredField& field) { return "sk-test-" + field.record; }

Contents filled(const MasterKey& key, int count) {
  Contents contents;
  const Vault vault(key);
  for (int i = 0; i < count; ++i) {
    StoredField field{"bkd_" + std::to_string(i), static_cast<std::uint64_t>(i), ""};
    field.sealed = vault.seal(ref_of(field), clear_of(field));
    contents.fields.emplace("accounts/" + std::to_string(1000 + i), field);
  }
  contents.key_check = KeyCheck::make(key, kNow - 1);
  return contents;
}

// Every field opens with `key` and no other, and the database belongs to it.
void expect_all_under(const Contents& contents, const MasterKey& key, const MasterKey& other) {
  const Vault vault(key), wrong(other);
  for (const auto& [place, field] : contents.fields) {
    const auto opened = vault.open(ref_of(field), field.sealed);
    ASSERT_TRUE(opened) << place;
    EXPECT_TRUE(opened->reveal() == clear_of(field)) << place;
    EXPECT_FALSE(wrong.open(ref_of(field), field.sealed)) << place;
  }
  EXPECT_TRUE(KeyCheck::check(key, contents.key_check));
  EXPECT_FALSE(KeyCheck::check(other, contents.key_check));
  EXPECT_FALSE(contents.rotation);
}

constexpr int kFields = 2 * static_cast<int>(kRotationPageFields) + 3;  // two pages and a piece

TEST(Rotation, AllFieldsChangeTheirKey) {
  const MasterKey from = key_of('1'), to = key_of('2');
  MemoryStore store(filled(from, kFields));
  const auto done = rotate(from, to, kNow, store);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->resealed, static_cast<std::uint64_t>(kFields));
  EXPECT_EQ(done->passed_over, 0u);
  EXPECT_FALSE(done->resumed || done->was_done);
  expect_all_under(store.committed, to, from);
  EXPECT_EQ(KeyCheck::check(to, store.committed.key_check), kNow);
}

TEST(Rotation, AnEmptyStoreChangesItsKeyToo) {
  const MasterKey from = key_of('1'), to = key_of('2');
  MemoryStore store(filled(from, 0));
  ASSERT_TRUE(rotate(from, to, kNow, store));
  expect_all_under(store.committed, to, from);
}

// What a kill leaves: the old key is the database's, and each field opens with one of the two.
void expect_recoverable(const Contents& contents, const MasterKey& from, const MasterKey& to) {
  EXPECT_TRUE(KeyCheck::check(from, contents.key_check));
  const Vault old_vault(from), new_vault(to);
  for (const auto& [place, field] : contents.fields)
    EXPECT_TRUE(old_vault.open(ref_of(field), field.sealed) ||
                new_vault.open(ref_of(field), field.sealed))
        << place;
}

TEST(Rotation, KilledAtAnyStepItGoesOn) {
  const MasterKey from = key_of('1'), to = key_of('2');
  const Contents begun = filled(from, kFields);
  MemoryStore whole(begun);
  ASSERT_TRUE(rotate(from, to, kNow, whole));
  ASSERT_GT(whole.calls, kFields);
  for (int kill_at = 0; kill_at < whole.calls; ++kill_at) {
    MemoryStore store(begun);
    store.restart(kill_at);
    const auto killed = rotate(from, to, kNow, store);
    ASSERT_FALSE(killed) << kill_at;
    EXPECT_EQ(killed.error().kind, RotationFailure::Kind::kStore);
    expect_recoverable(store.committed, from, to);
    store.restart(1'000'000);
    const auto resumed = rotate(from, to, kNow, store);
    ASSERT_TRUE(resumed) << kill_at << ": " << resumed.error().message;
    expect_all_under(store.committed, to, from);
  }
}

TEST(Rotation, KilledAgainAndAgainItGetsThrough) {
  const MasterKey from = key_of('1'), to = key_of('2');
  MemoryStore store(filled(from, kFields));
  // Enough for one page and its commit, so that each life comes a little further.
  constexpr int kCallsOfALife = static_cast<int>(kRotationPageFields) + 8;
  int lives = 0;
  std::uint64_t resealed = 0;
  for (; lives < 100; ++lives) {
    store.restart(kCallsOfALife);
    const auto done = rotate(from, to, kNow, store);
    if (!done) continue;
    resealed = done->resealed;
    EXPECT_TRUE(done->resumed);
    break;
  }
  EXPECT_GE(lives, 2);
  EXPECT_LT(lives, 5);
  EXPECT_LT(resealed, static_cast<std::uint64_t>(kFields)) << "it did not go on but began anew";
  expect_all_under(store.committed, to, from);
}

TEST(Rotation, DoneIsDone) {
  const MasterKey from = key_of('1'), to = key_of('2');
  MemoryStore store(filled(from, 3));
  ASSERT_TRUE(rotate(from, to, kNow, store));
  const Contents before = store.committed;
  const auto again = rotate(from, to, kNow + 1, store);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->was_done);
  EXPECT_EQ(store.committed.key_check, before.key_check);
}

// A field that was written in front of the cursor while the rotation lay still.
TEST(Rotation, WhatCameInFrontOfTheCursorIsNotForgotten) {
  const MasterKey from = key_of('1'), to = key_of('2');
  Contents contents = filled(from, 3);
  contents.rotation = RotationState{from.id(), to.id(), "accounts/1001"};
  MemoryStore store(contents);
  const auto done = rotate(from, to, kNow, store);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->resealed, 3u);
  expect_all_under(store.committed, to, from);
}

TEST(Rotation, AFieldUnderTheNewKeyIsPassedOver) {
  const MasterKey from = key_of('1'), to = key_of('2');
  Contents contents = filled(from, 3);
  StoredField& field = contents.fields.begin()->second;
  field.sealed = Vault(to).seal(ref_of(field), clear_of(field));
  const std::string before = field.sealed;
  MemoryStore store(contents);
  const auto done = rotate(from, to, kNow, store);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->passed_over, 1u);
  EXPECT_EQ(store.committed.fields.begin()->second.sealed, before);
  expect_all_under(store.committed, to, from);
}

struct RefusedRow {
  const char* rule;
  void (*spoil)(Contents&);
  char from, to;
  RotationFailure::Kind kind;
  std::string_view words;
};

using Kind = RotationFailure::Kind;

const RefusedRow kRefusedRows[] = {
    {"the same key twice", [](Contents&) {}, '1', '1', Kind::kSameKey, "are the same"},
    {"not the database's key", [](Contents&) {}, '3', '2', Kind::kOldKey, "not the key of"},
    {"a damaged key check", [](Contents& c) { c.key_check.pop_back(); }, '1', '2', Kind::kOldKey,
     "damaged"},
    {"a damaged field", [](Contents& c) { c.fields.rbegin()->second.sealed.back() ^= 1; }, '1', '2',
     Kind::kField, "accounts \"bkd_2\" api_key"},
    {"a damaged field under the new key",
     [](Contents& c) {
       StoredField& field = c.fields.begin()->second;
       field.sealed = Vault(key_of('2')).seal(ref_of(field), "x");
       field.sealed.back() ^= 1;
     },
     '1', '2', Kind::kField, "accounts \"bkd_0\" api_key"},
    {"a field under a third key",
     [](Contents& c) {
       StoredField& field = c.fields.begin()->second;
       field.sealed = Vault(key_of('3')).seal(ref_of(field), "x");
     },
     '1', '2', Kind::kField, "sealed under the master key"},
    {"another rotation has begun",
     [](Contents& c) {
       c.rotation = {key_of('1').id(), key_of('3').id(), ""};
     },
     '1', '2', Kind::kOtherRotation, "finish that one first"},
};

TEST(Rotation, WhatCannotBeRotatedIsNamed) {
  for (const RefusedRow& row : kRefusedRows) {
    Contents contents = filled(key_of('1'), 3);
    row.spoil(contents);
    MemoryStore store(contents);
    const auto done = rotate(key_of(row.from), key_of(row.to), kNow, store);
    ASSERT_FALSE(done) << row.rule;
    EXPECT_EQ(done.error().kind, row.kind) << row.rule;
    EXPECT_NE(done.error().message.find(row.words), std::string::npos)
        << row.rule << ": " << done.error().message;
    EXPECT_EQ(store.committed.key_check, contents.key_check) << row.rule;
    EXPECT_EQ(store.committed.rotation, contents.rotation) << row.rule << ": nothing has begun";
  }
}

TEST(Rotation, AStateIsReadAsItWasWritten) {
  const RotationState state{key_of('1').id(), key_of('2').id(), std::string("a\0b", 3)};
  const std::string bytes = encode_rotation_state(state);
  EXPECT_EQ(parse_rotation_state(bytes), state);
  for (std::size_t size = 0; size < 17; ++size)
    EXPECT_FALSE(parse_rotation_state(bytes.substr(0, size))) << size;
  EXPECT_FALSE(parse_rotation_state("\x02" + bytes.substr(1)));
}

TEST(Rotation, AnUnfinishedOneIsExplained) {
  const std::string text =
      unfinished_rotation_text({key_of('1').id(), key_of('2').id(), ""}, "/var/lib/sluice");
  EXPECT_NE(text.find(key_of('1').id().text()), std::string::npos);
  EXPECT_NE(text.find(key_of('2').id().text()), std::string::npos);
  EXPECT_NE(text.find("rotate again with the same two keys"), std::string::npos);
}

}  // namespace
}  // namespace sluice
