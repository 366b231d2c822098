// The predecessor's model_mappings.
#include "store/import/model_mappings.h"

#include <gtest/gtest.h>

#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

struct ReadRow {
  std::string_view json;
  std::vector<ImportedModel> models;
};

const ReadRow kReadRows[] = {
    {"", {}},
    {" {} ", {}},
    {R"({"a":"b"})", {{"a", "b", 0, 0}}},
    {R"({"a":{}})", {{"a", "a", 0, 0}}},
    {R"({"a":{"native_id":"x/a","reasoning":true,"input_modalities":["text"],"compat":{"b":[1]}}})",
     {{"a", "x/a", 0, 0}}},
    {R"({"a":{"native_id":null,"cost":null}})", {{"a", "a", 0, 0}}},
    {R"({"a":{"cost":{"input":0.00000015,"output":6e-07,"cacheRead":1}}})",
     {{"a", "a", 150'000, 600'000}}},
    {R"({"a":{"cost":{"input":null,"output":0}}})", {{"a", "a", 0, 0}}},
    {R"({"\u0061":"b","c":{}})", {{"a", "b", 0, 0}, {"c", "c", 0, 0}}},
};

TEST(ModelMappings, AreRead) {
  for (const ReadRow& row : kReadRows) {
    GuardedBytes guarded(row.json.size() + 1);
    const auto models = parse_model_mappings(guarded.place(row.json));
    ASSERT_TRUE(models) << row.json << ": " << models.error();
    EXPECT_EQ(*models, row.models) << row.json;
  }
}

struct RefusedMappingRow {
  std::string_view json;
  std::string_view told;
};

constexpr RefusedMappingRow kRefusedRows[] = {
    {"{", "is not a mapping of models"},
    {"[]", "is no object"},
    {"null", "is no object"},
    {"\"\xff\"", "is no JSON"},
    {R"({"a":1})", "the model \"a\" is no object"},
    {R"({"":{}})", "a model has no name"},
    {R"({"a":{},"\u0061":{}})", "\"a\" stands in it twice"},
    {R"({"a":""})", "empty native_id"},
    {R"({"a":{"native_id":1}})", "the native_id of \"a\" is no text"},
    {R"({"a":{"native_id":"\ud800"}})", "cannot be decoded"},
    {R"({"a":{"cost":[]}})", "the cost of \"a\" is no object"},
    {R"({"a":{"cost":{"input":"1"}}})", "the cost.input of \"a\" is no amount"},
    {R"({"a":{"cost":{"output":-1e-9}}})", "the cost.output of \"a\" is no amount"},
    {R"({"a":{"cost":{"output":1e300}}})", "the cost.output of \"a\" is no amount"},
    {R"({"a":{"cost":{"output":.5}}})", "the cost.output of \"a\" is no amount"},
    {R"({"a":{}} {})", "behind its end"},
    {R"({"a":{},})", "is not a mapping of models"},
    {R"({"a":{"x":[}})", "is not a mapping of models"},
};

TEST(ModelMappings, WhatCannotBeReadIsNamed) {
  for (const RefusedMappingRow& row : kRefusedRows) {
    GuardedBytes guarded(row.json.size());
    const auto models = parse_model_mappings(guarded.place(row.json));
    ASSERT_FALSE(models) << row.json;
    EXPECT_NE(models.error().find(row.told), std::string::npos)
        << row.json << ": " << models.error();
  }
}

}  // namespace
}  // namespace sluice
