#include "store/codec.h"

#include <gtest/gtest.h>

#include "store/account_rows.h"
#include "store/event_rows.h"
#include "store/key_bytes.h"
#include "store/usage_rows.h"

namespace sluice {
namespace {

template <class T>
T full_row();

template <>
StoredAccount full_row() {
  StoredAccount row;
  row.name = "team-a";
  row.label = "Team A";
  row.api_base_url = "https://api.example/v1";
  row.api = "anthropic";
  row.api_key_sealed = std::string("\0\xff\x7f", 3);
  row.timeout_ms = UINT64_MAX;
  row.rpm_limit = UINT32_MAX;
  row.tpm_limit = 127;
  row.rpd_limit = 128;
  row.concurrent_limit = 16'383;
  row.weight = 16'384;
  row.pool = StoredPool::kFallback;
  row.enabled = false;
  row.emergency = true;
  row.status = StoredStatus::kError;
  row.source = AccountSource::kImport;
  row.model_prefix = "vendor/";
  row.models.resize(2);
  row.models[0] = {.canonical = "gpt-x",
                   .native_id = "vendor/gpt-x",
                   .reasoning = true,
                   .reasoning_effort = "high",
                   .input_modalities = {"text", "image"},
                   .cost = {.input = 1, .output = 2, .cached_read = 3, .cached_write = 0},
                   .context_window = 200'000,
                   .max_tokens = 1,
                   .compat = "{}"};
  row.metadata = "{\"email\":\"a@example.com\"}";
  row.created_ms = INT64_MAX;
  row.updated_ms = INT64_MIN;
  row.public_only = true;
  row.unsaid = 63;
  return row;
}

template <>
StoredClientKey full_row() {
  StoredClientKey row;
  row.sha256.fill(0xab);
  row.rpm_limit = 1;
  row.tpm_limit = 2;
  row.concurrent_limit = 3;
  row.models = {"a", ""};
  row.priority = StoredPriority::kLow;
  row.created_ms = -1;
  row.revoked_ms = 5;
  row.priority_max = StoredPriority::kLow;
  row.budget_nano_dollars = 7;
  row.budget_period = StoredPeriod::kTotal;
  return row;
}

template <>
StoredSetting full_row() {
  StoredSetting row;
  row.value = "40";
  row.description = "requests a minute";
  row.updated_ms = 1;
  return row;
}

template <>
StoredPrice full_row() {
  StoredPrice row;
  row.rate = {.input = 150'000'000,
              .output = 600'000'000,
              .cached_read = 75'000'000,
              .cached_write = std::nullopt};
  return row;
}

template <>
StoredCooldown full_row() {
  StoredCooldown row;
  row.account = "team-a";
  row.consecutive_count = 3;
  row.cooldown_seconds = 120;
  row.response_summary = "429 Too Many Requests";
  row.ended_ms = 9;
  return row;
}

template <>
StoredHealth full_row() {
  StoredHealth row;
  row.state = HealthState::kDown;
  row.last_latency_ms = 12;
  row.last_status_code = 503;
  row.success_rate_5m_permil = 998;
  row.consecutive_failures = 4;
  row.last_check_ms = 77;
  return row;
}

// Another number in every sum.
template <>
UsageSums full_row() {
  UsageSums row;
  std::uint64_t next = 1;
  auto number = [&](auto&... sums) { ((sums = next, next = next * 7 + 1), ...); };
  UsageSums::fields(row, number);
  return row;
}

template <>
DailySums full_row() {
  return {.sums = full_row<UsageSums>(), .unique_accounts = 3};
}

template <>
StoredRequest full_row() {
  StoredRequest row;
  row.outcome = RequestOutcome::kOpen;
  row.flags = 0xffff;
  row.status = 599;
  row.attempt = 3;
  row.unix_ms = 1'700'000'000'000;
  row.account = 1;
  row.model = 2;
  row.client_key = 3;
  row.pool = 4;
  row.native_model = UINT32_MAX;
  row.request_id = "req-1";
  row.prompt_tokens = 1;
  row.completion_tokens = 2;
  row.total_tokens = 3;
  row.cached_read_tokens = 4;
  row.cached_write_tokens = 5;
  row.reasoning_tokens = 6;
  row.cost_nano_dollars = 7;
  row.latency_us = 8;
  row.first_token_us = 9;
  row.queue_us = UINT64_MAX;
  row.sent_ms = 10;
  row.reserved_tokens = 11;
  row.client_reserved_tokens = 12;
  return row;
}

template <>
JournalPosition full_row() {
  return {.number = 2, .sequence = UINT64_MAX};
}

template <class T>
class CodecTest : public testing::Test {};

using Rows =
    testing::Types<StoredAccount, StoredClientKey, StoredSetting, StoredPrice, StoredCooldown,
                   StoredHealth, UsageSums, DailySums, StoredRequest, JournalPosition>;
TYPED_TEST_SUITE(CodecTest, Rows);

TYPED_TEST(CodecTest, EveryFieldComesBack) {
  std::string bytes;
  for (const TypeParam& row : {full_row<TypeParam>(), TypeParam()}) {
    encode_row(row, bytes);
    const auto decoded = decode_row<TypeParam>(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, row);
  }
}

TYPED_TEST(CodecTest, EveryTruncatedPrefixIsRefusedByTheNameOfItsTable) {
  std::string bytes;
  encode_row(full_row<TypeParam>(), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode_row<TypeParam>(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(decoded) << size;
    EXPECT_EQ(decoded.error().code, StoreErrc::kMalformed) << size;
    EXPECT_EQ(decoded.error().table, TypeParam::kTable);
  }
  EXPECT_FALSE(decode_row<TypeParam>(bytes + '\0'));
}

TYPED_TEST(CodecTest, AnUnknownVersionIsRefusedByName) {
  std::string bytes;
  encode_row(full_row<TypeParam>(), bytes);
  bytes[0] = static_cast<char>(TypeParam::kVersion + 1);
  const auto decoded = decode_row<TypeParam>(bytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, StoreErrc::kUnknownVersion);
  EXPECT_EQ(decoded.error().detail, TypeParam::kVersion + 1);
  const std::string text = explain(decoded.error(), "data.mdb");
  EXPECT_NE(text.find(table_name(TypeParam::kTable)), std::string::npos) << text;
}

TEST(Codec, ARowOfTheFormerVersionLacksWhatWasAdded) {
  auto row = full_row<StoredRequest>();
  std::string bytes;
  encode_row(row, bytes);
  bytes[0] = static_cast<char>(StoredRequest::kFormerVersion);
  EXPECT_FALSE(decode_row<StoredRequest>(bytes));
  bytes.resize(bytes.size() - 3);  // a byte each
  row.sent_ms = row.reserved_tokens = row.client_reserved_tokens = 0;
  const auto decoded = decode_row<StoredRequest>(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, row);
}

TEST(Codec, ARowThatHasGrownTwiceIsReadInEachOfItsVersions) {
  auto row = full_row<StoredClientKey>();
  std::string bytes;
  encode_row(row, bytes);
  bytes[0] = static_cast<char>(StoredClientKey::kSecondVersion);
  EXPECT_FALSE(decode_row<StoredClientKey>(bytes));
  bytes.resize(bytes.size() - 2);  // a byte each
  row.budget_nano_dollars = 0;
  row.budget_period = StoredPeriod::kMonth;
  ASSERT_TRUE(decode_row<StoredClientKey>(bytes));
  EXPECT_EQ(*decode_row<StoredClientKey>(bytes), row);
  bytes[0] = static_cast<char>(StoredClientKey::kFormerVersion);
  EXPECT_FALSE(decode_row<StoredClientKey>(bytes));
  bytes.resize(bytes.size() - 1);
  row.priority_max = StoredPriority::kUrgent;
  ASSERT_TRUE(decode_row<StoredClientKey>(bytes));
  EXPECT_EQ(*decode_row<StoredClientKey>(bytes), row);
}

TEST(Codec, AnAccountOfAnEarlierVersionHasSaidAll) {
  auto row = full_row<StoredAccount>();
  std::string bytes;
  encode_row(row, bytes);
  bytes[0] = static_cast<char>(StoredAccount::kSecondVersion);
  EXPECT_FALSE(decode_row<StoredAccount>(bytes));
  bytes.resize(bytes.size() - 1);
  row.unsaid = 0;
  ASSERT_TRUE(decode_row<StoredAccount>(bytes));
  EXPECT_EQ(*decode_row<StoredAccount>(bytes), row);
  bytes[0] = static_cast<char>(StoredAccount::kFormerVersion);
  bytes.resize(bytes.size() - 1);
  row.public_only = false;
  ASSERT_TRUE(decode_row<StoredAccount>(bytes));
  EXPECT_EQ(*decode_row<StoredAccount>(bytes), row);
}

// Bytes that begin as a row and go on as anything end in a row or an error, never outside.
TYPED_TEST(CodecTest, AnyByteChangedIsAnotherRowOrAnError) {
  std::string bytes;
  const auto row = full_row<TypeParam>();
  encode_row(row, bytes);
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(value);
      if (changed == bytes) continue;
      const auto decoded = decode_row<TypeParam>(changed);
      EXPECT_FALSE(decoded && *decoded == row) << at << " " << value;
    }
  }
}

struct NumberRow {
  static constexpr std::uint8_t kVersion = 1;
  static constexpr Table kTable = Table::kMeta;
  std::uint64_t number = 0;
  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.number);
  }
};

TEST(Varint, OnlyTheShortestFormIsTaken) {
  using namespace std::string_view_literals;
  struct Row {
    std::string_view bytes;
    bool good;
    std::uint64_t number;
  };
  constexpr Row kRows[] = {
      {"\x01\x00"sv, true, 0},
      {"\x01\x7f"sv, true, 127},
      {"\x01\x80\x01"sv, true, 128},
      {"\x01\x80\x00"sv, false, 0},
      {"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv, true, UINT64_MAX},
      {"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv, false, 0},
      {"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01"sv, false, 0},
      {"\x01\x80"sv, false, 0},
  };
  for (const Row& row : kRows) {
    const auto decoded = decode_row<NumberRow>(row.bytes);
    ASSERT_EQ(decoded.has_value(), row.good) << testing::PrintToString(row.bytes);
    if (decoded) {
      EXPECT_EQ(decoded->number, row.number);
    }
  }
}

TEST(KeyBytes, NumbersSortAsBytes) {
  std::string before;
  for (const std::uint64_t number : {0ULL, 1ULL, 255ULL, 256ULL, 65'535ULL, 1ULL << 32, ~0ULL}) {
    KeyBytes key;
    key.u64(number);
    EXPECT_LT(before, key.view());
    before = key.view();
    KeyReader reader(key.view());
    EXPECT_EQ(reader.u64(), number);
    EXPECT_TRUE(reader.done());
  }
}

TEST(KeyBytes, NoTextRunsIntoWhatFollows) {
  KeyBytes one;
  KeyBytes other;
  one.sized_text("a").u8('b');
  other.sized_text("ab");
  EXPECT_NE(one.view(), other.view());
  KeyReader reader(one.view());
  EXPECT_EQ(reader.sized_text(), "a");
  EXPECT_EQ(reader.u8(), 'b');
  EXPECT_TRUE(reader.done());
}

TEST(KeyReader, ShortAndLongKeysAreNotDone) {
  KeyBytes key;
  key.u32(7);
  KeyReader longer(key.view());
  longer.u64();
  EXPECT_FALSE(longer.done());
  KeyReader shorter(key.view());
  shorter.u8();
  EXPECT_FALSE(shorter.done());
}

TEST(UsageSums, StandStillAtTheirLargestNumber) {
  UsageSums sums;
  sums.requests = UINT64_MAX - 1;
  UsageSums one;
  one.requests = 1;
  one.queue_us = 1;
  EXPECT_TRUE(sums.add(one));
  EXPECT_FALSE(sums.add(one));
  EXPECT_EQ(sums.requests, UINT64_MAX);
  EXPECT_EQ(sums.queue_us, 2U);
}

}  // namespace
}  // namespace sluice
