// The predecessor's model_mappings.
#include "store/import/model_mappings.h"

#include <gtest/gtest.h>

#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

// What a model is that was given only its names.
StoredMapping named(std::string canonical, std::string native) {
  return {.canonical = std::move(canonical), .native_id = std::move(native)};
}

struct ReadRow {
  std::string_view json;
  std::vector<StoredMapping> models;
};

const ReadRow kReadRows[] = {
    {"", {}},
    {" {} ", {}},
    {R"({"a":"b"})", {named("a", "b")}},
    {R"({"a":{}})", {named("a", "a")}},
    {R"({"a":{"native_id":null,"cost":null,"compat":null,"reasoning_effort":null}})",
     {named("a", "a")}},
    {R"({"a":{"strange":[1]}})", {named("a", "a")}},
    {R"({"a":{"native_id":"x/a","reasoning":true,"reasoning_effort":"high",
        "input_modalities":["text","image"],"context_window":200000,"max_tokens":1,
        "cost":{"input":0.00000015,"output":6e-07,"cacheRead":0,"cacheWrite":null},
        "compat":{"b":[1]} }})",
     {{.canonical = "a",
       .native_id = "x/a",
       .reasoning = true,
       .reasoning_effort = "high",
       .input_modalities = {"text", "image"},
       .cost = {.input = 150'000'000, .output = 600'000'000, .cached_read = 0, .cached_write = {}},
       .context_window = 200'000,
       .max_tokens = 1,
       .compat = R"({"b":[1]})"}}},
    {R"({"\u0061":"b","c":{}})", {named("a", "b"), named("c", "c")}},
};

TEST(ModelMappings, AreRead) {
  for (const ReadRow& row : kReadRows) {
    GuardedBytes guarded(row.json.size() + 1);
    const auto models = parse_model_mappings(guarded.place(row.json));
    ASSERT_TRUE(models) << row.json << ": " << models.error().front().text();
    EXPECT_EQ(*models, row.models) << row.json;
  }
}

struct RefusedMappingRow {
  std::string_view json;
  std::string_view field;
  std::string_view told;
};

constexpr RefusedMappingRow kRefusedRows[] = {
    {"{", "", "is no JSON"},
    {"[]", "", "a list is no object"},
    {"null", "", "null is no object"},
    {"\"\xff\"", "", "is no JSON"},
    {R"({"a":1})", "a", "1 is no object"},
    {R"({"":{}})", "", "a model has no name"},
    {R"({"a":{},"\u0061":{}})", "", "\"a\" stands in it twice"},
    {R"({"a":""})", "a", "is empty"},
    {R"({"a":{"native_id":1}})", "a.native_id", "1 is no text"},
    {R"({"a":{"native_id":"\ud800"}})", "a.native_id", "cannot be decoded"},
    {R"({"a":{"reasoning":"yes"}})", "a.reasoning", "\"yes\" is no truth value"},
    {R"({"a":{"input_modalities":"text"}})", "a.input_modalities", "\"text\" is no list"},
    {R"({"a":{"input_modalities":[1]}})", "a.input_modalities", "1 is no text"},
    {R"({"a":{"context_window":0}})", "a.context_window", "0 is out of range"},
    {R"({"a":{"max_tokens":1.5}})", "a.max_tokens", "1.5 is not a whole number"},
    {R"({"a":{"max_tokens":"9"}})", "a.max_tokens", "\"9\" is not a whole number"},
    {R"({"a":{"compat":7}})", "a.compat", "7 is no object"},
    {R"({"a":{"cost":[]}})", "a.cost", "a list is no object"},
    {R"({"a":{"cost":{"input":"1"}}})", "a.cost.input", "\"1\" is no amount of dollars"},
    {R"({"a":{"cost":{"output":-1e-9}}})", "a.cost.output", "-1e-9 is negative"},
    {R"({"a":{"cost":{"output":1e-20}}})", "a.cost.output", "1e-20 is less than can be counted"},
    {R"({"a":{"cost":{"cacheRead":1e300}}})", "a.cost.cacheRead", "1e300 is no amount"},
    {R"({"a":{"cost":{"cacheWrite":2.5}}})", "a.cost.cacheWrite",
     "2.5 is a dollar or more for a single token"},
    {R"({"a":{"cost":{"output":.5}}})", "a.cost.output", ".5 is no amount of dollars"},
    {R"({"a":{}} {})", "", "something behind its end"},
    {R"({"a":{},})", "", "is no JSON"},
    {R"({"a":{"x":[}})", "", "is no JSON"},
};

TEST(ModelMappings, WhatCannotBeReadIsNamed) {
  for (const RefusedMappingRow& row : kRefusedRows) {
    GuardedBytes guarded(row.json.size());
    const auto models = parse_model_mappings(guarded.place(row.json));
    ASSERT_FALSE(models) << row.json;
    const MappingFault& fault = models.error().front();
    EXPECT_EQ(fault.field, row.field) << row.json;
    EXPECT_NE(fault.problem.find(row.told), std::string::npos) << row.json << fault.text();
  }
}

TEST(ModelMappings, AllFaultsAreToldAtOnce) {
  constexpr std::string_view kJson =
      R"({"a":{"max_tokens":0,"cost":{"input":2}},"b":{"native_id":1,"strange":1}})";
  const auto passed = parse_model_mappings(kJson);
  ASSERT_FALSE(passed);
  EXPECT_EQ(passed.error().size(), 3u);
  const auto refused = parse_model_mappings(kJson, StrangeMembers::kRefused);
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().size(), 4u);
  EXPECT_EQ(refused.error().back().field, "b.strange");
}

}  // namespace
}  // namespace sluice
