#include "engine/llm/usage_counts.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

Usage used(std::int64_t prompt, std::int64_t completion, std::int64_t total,
           std::int64_t cached_read = 0, std::int64_t cached_write = 0,
           std::int64_t reasoning = 0) {
  return {.prompt = prompt,
          .completion = completion,
          .total = total,
          .cached_read = cached_read,
          .cached_write = cached_write,
          .reasoning = reasoning,
          .estimated = false,
          .seen = true};
}

struct UsageRow {
  const char* name;
  std::string_view object;
  Usage usage;
};

const UsageRow kUsageRows[] = {
    {"OpenAI chat",
     R"({"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":
        {"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":3}})",
     used(10, 5, 15, 4, 0, 3)},
    {"OpenAI responses",
     R"({"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":5,
        "output_tokens_details":{"reasoning_tokens":3},"total_tokens":15})",
     used(10, 5, 15, 4, 0, 3)},
    {"OpenAI embeddings", R"({"prompt_tokens":8,"total_tokens":8})", used(8, 0, 8)},
    {"Anthropic: cached tokens come on top",
     R"({"input_tokens":10,"cache_creation_input_tokens":20,"cache_read_input_tokens":30,
        "cache_creation":{"ephemeral_5m_input_tokens":20},"output_tokens":5})",
     used(60, 5, 65, 30, 20)},
    {"DeepSeek", R"({"prompt_tokens":10,"prompt_cache_hit_tokens":6,"completion_tokens":1})",
     used(10, 1, 11, 6)},
    {"COMPAT 24 only a total counts", R"({"total_tokens":42})", used(0, 0, 42)},
    {"a total above the sum stays", R"({"prompt_tokens":1,"completion_tokens":2,"total_tokens":9})",
     used(1, 2, 9)},
    {"COMPAT 6 odd types are passed over",
     R"({"prompt_tokens":"7","completion_tokens":null,"total_tokens":[9],"input_tokens":-4,
        "output_tokens":3})",
     used(0, 3, 3)},
    {"a fraction of nothing", R"({"prompt_tokens":12.0})", used(12, 0, 12)},
    {"a number beyond all bounds is bounded", R"({"prompt_tokens":99999999999999999999999})",
     used(std::int64_t{1} << 40, 0, std::int64_t{1} << 40)},
    {"names in deeper objects do not count",
     R"({"x":{"prompt_tokens":7},"prompt_tokens_details":{"y":{"cached_tokens":9}},"prompt_tokens":2})",
     used(2, 0, 2)},
    {"names as values do not count", R"({"a":"prompt_tokens","b":5,"total_tokens":6})",
     used(0, 0, 6)},
    {"what is cut off counts as far as it goes", R"({"prompt_tokens":10,"completion_tokens":5)",
     used(10, 0, 10)},
};

TEST(UsageCountsTest, ReadsEveryDialect) {
  for (const UsageRow& row : kUsageRows) {
    SCOPED_TRACE(row.name);
    UsageCounts counts;
    counts.read(row.object);
    EXPECT_EQ(counts.usage(), row.usage);
  }
}

TEST(UsageCountsTest, NothingToReadIsNotSeen) {
  for (const std::string_view object : {"", "{}", "{", R"({"prompt_tokens":null})", R"({"a\")"}) {
    UsageCounts counts;
    counts.read(object);
    EXPECT_FALSE(counts.any()) << object;
    EXPECT_EQ(counts.usage(), Usage{}) << object;
  }
}

TEST(UsageCountsTest, TellsWhereTheObjectEnds) {
  const std::string_view object =
      R"({"input_tokens":2,"a":{"b":[1,{}],"c":"}\"}\\"},"output_tokens":3})";
  UsageCounts counts;
  EXPECT_EQ(counts.read(std::string(object) + R"(,"output_tokens":9}})"), object.size());
  EXPECT_EQ(counts.usage(), used(2, 3, 5));
  for (std::size_t bytes = 0; bytes < object.size(); ++bytes)
    EXPECT_EQ(UsageCounts().read(object.substr(0, bytes)), 0u) << bytes;
}

TEST(UsageCountsTest, LaterNumbersReplaceEarlierOnes) {
  UsageCounts counts;
  counts.read(R"({"input_tokens":25,"cache_read_input_tokens":3,"output_tokens":1})");
  counts.read(R"({"output_tokens":15})");
  EXPECT_EQ(counts.usage(), used(28, 15, 43, 3));
}

}  // namespace
}  // namespace sluice
