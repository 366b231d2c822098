#include "parser/json_probe.h"

#include <gtest/gtest.h>

#include <string>

#include "base/block_pool.h"
#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

class JsonProbeTest : public testing::Test {
 protected:
  // Every body is read at the edge of a page, so that reading past it crashes.
  bool probe(std::string_view body) {
    return prober_.probe(guarded_.place(body), arena_, out_, fault_);
  }

  BlockPool pool_;
  Arena arena_{pool_};
  JsonProber prober_;
  GuardedBytes guarded_{4u << 20};
  RequestProbe out_;
  ProbeFault fault_;
};

struct GoodRow {
  const char* name;
  std::string_view body;
  std::string_view model;
  bool stream;
  bool include_usage;
  std::int64_t max_tokens;
  std::string_view user;
};

constexpr GoodRow kGoodRows[] = {
    {"J4 model and stream", R"({"model":"m","stream":true})", "m", true, false, -1, ""},
    {"J4 stream null is false", R"({"model":"m","stream":null})", "m", false, false, -1, ""},
    {"J1 members of members do not decide",
     R"({"messages":[{"model":"x","stream":true,"user":"u"}],"a":{"model":"y"},"model":"m"})", "m",
     false, false, -1, ""},
    {"J1 text that looks like a member does not decide",
     R"({"messages":[{"content":"\",\"model\":\"x"}],"model":"m"})", "m", false, false, -1, ""},
    {"a model with escapes is decoded", R"({"model":"a\/b\u0041\ud83d\ude00"})", "a/bA😀", false,
     false, -1, ""},
    {"a name with escapes is decoded", R"({"mod\u0065l":"m"})", "m", false, false, -1, ""},
    {"white space everywhere", " \r\n{ \"model\" :\t\"m\" , \"stream\" : true } \n", "m", true,
     false, -1, ""},
    {"stream_options null", R"({"model":"m","stream_options":null})", "m", false, false, -1, ""},
    {"stream_options empty", R"({"model":"m","stream_options":{}})", "m", false, false, -1, ""},
    {"include_usage true", R"({"stream_options":{"a":1,"include_usage":true},"model":"m"})", "m",
     false, true, -1, ""},
    {"include_usage null", R"({"stream_options":{"include_usage":null},"model":"m"})", "m", false,
     false, -1, ""},
    {"include_usage at top level is no member of ours",
     R"({"include_usage":3,"stream_options":{"model":3,"include_usage":true},"model":"m"})", "m",
     false, true, -1, ""},
    {"max_tokens", R"({"model":"m","max_tokens":100})", "m", false, false, 100, ""},
    {"the largest of the limits counts",
     R"({"model":"m","max_tokens":5,"max_completion_tokens":70,"max_output_tokens":6})", "m", false,
     false, 70, ""},
    {"max_tokens null, negative, fraction, exponent are the provider's business",
     R"({"model":"m","max_tokens":null,"max_completion_tokens":-1,"max_output_tokens":1.5e3})", "m",
     false, false, -1, ""},
    {"max_tokens is bounded", R"({"model":"m","max_tokens":99999999999999999999999999})", "m",
     false, false, JsonProber::kMaxTokensCeiling, ""},
    {"user", R"({"model":"m","user":"u\n"})", "m", false, false, -1, "u\n"},
    {"a user that is no string", R"({"model":"m","user":{"id":1}})", "m", false, false, -1, ""},
    {"no model is no fault here", R"({"input":"x"})", "", false, false, -1, ""},
    {"an empty object", "{}", "", false, false, -1, ""},
    {"capital letters make another member", R"({"Model":"x","STREAM":3})", "", false, false, -1,
     ""},
    {"all kinds of values are passed over",
     R"({"a":[1,-0.5,2e+9,true,false,null,"x",[],{},[[{"b":[]}]]],"model":"m"})", "m", false, false,
     -1, ""},
};

TEST_F(JsonProbeTest, ReadsTopLevelMembers) {
  for (const GoodRow& row : kGoodRows) {
    SCOPED_TRACE(row.name);
    ASSERT_TRUE(probe(row.body)) << fault_.offset << ' ' << fault_.message;
    EXPECT_EQ(out_.model, row.model);
    EXPECT_EQ(out_.has_model, !row.model.empty());
    EXPECT_EQ(out_.stream, row.stream);
    EXPECT_EQ(out_.include_usage, row.include_usage);
    EXPECT_EQ(out_.max_tokens, row.max_tokens);
    EXPECT_EQ(out_.user, row.user);
    EXPECT_EQ(row.body[out_.object_end], '}');
  }
}

struct FaultRow {
  const char* name;
  std::string_view body;
  std::size_t offset;
  std::string_view param;
};

constexpr FaultRow kFaultRows[] = {
    {"J2 model twice", R"({"model":"a","model":"b"})", 13, "model"},
    {"J2 the same model twice", R"({"model":"a","model":"a"})", 13, "model"},
    {"J2 an escape hides the second", R"({"model":"a","mod\u0065l":"b"})", 13, "model"},
    {"J2 capital letters hide the second", R"({"model":"a","MODEL":"b"})", 13, "model"},
    {"J2 capital letters come first", R"({"Model":"a","model":"b"})", 13, "model"},
    {"J2 stream twice", R"({"stream":true,"stream":true})", 15, "stream"},
    {"J2 include_usage twice", R"({"stream_options":{"include_usage":true,"include_usage":false}})",
     40, "include_usage"},
    {"J2 max_tokens twice", R"({"max_tokens":1,"max_tokens":2})", 16, "max_tokens"},
    {"J3 nothing", "", 0, ""},
    {"J3 white space only", " \n", 2, ""},
    {"J3 an array", R"([{"model":"m"}])", 0, ""},
    {"J3 a string", R"("model")", 0, ""},
    {"J3 a byte order mark", "\xEF\xBB\xBF{}", 0, ""},
    {"J3 text behind the object", R"({"model":"m"} x)", 14, ""},
    {"J3 a second object", R"({"model":"m"}{})", 13, ""},
    {"J3 a bracket behind the object", R"({"model":"m"}})", 13, ""},
    {"J3 a NUL behind the object", std::string_view("{}\0", 3), 2, ""},
    {"J3 the object does not end", R"({"model":"m")", 12, ""},
    {"J3 the object ends within a member", R"({"model":)", 9, "model"},
    {"J3 a string does not end", R"({"a":1,"model":"m})", 15, ""},
    {"J3 invalid UTF-8 in a message", "{\"model\":\"m\",\"a\":\"x\xff\"}", 19, ""},
    {"J3 UTF-8 that breaks off", "{\"model\":\"m\",\"a\":\"x\xe2\x82\"}", 19, ""},
    {"J3 overlong UTF-8", "{\"model\":\"\xc0\xaf\"}", 10, ""},
    {"J3 a raw control character in a string", "{\"a\":\"x\ny\"}", 7, ""},
    {"J3 brackets that do not match", R"({"a":[1,2},"model":"m"})", 9, ""},
    {"J3 brackets that only count right", R"({"a":[{]},"model":"m"})", 7, ""},
    {"J3 a comma too many in an object", R"({"model":"m",})", 13, ""},
    {"J3 a comma too many in an array", R"({"a":[1,]})", 8, ""},
    {"J3 a comma too few", R"({"a":1 "b":2})", 7, ""},
    {"J3 a colon too few", R"({"a" 1})", 5, ""},
    {"J3 a name that is no string", R"({a:1})", 1, ""},
    {"J3 no literal", R"({"a":nul})", 5, ""},
    {"J3 NaN", R"({"a":[NaN]})", 6, ""},
    {"J3 a leading zero", R"({"a":01})", 5, ""},
    {"J3 a single quote", R"({'model':'m'})", 1, ""},
    {"J3 a comment", R"({"a":1/**/})", 5, ""},
    {"J4 model a number", R"({"model":3})", 9, "model"},
    {"J4 model null", R"({"model":null})", 9, "model"},
    {"J4 model a list", R"({"model":["m"]})", 9, "model"},
    {"J4 model empty", R"({"model":""})", 9, "model"},
    {"J4 model with half a surrogate pair", R"({"model":"\ud83d"})", 9, "model"},
    {"J4 model with an unknown escape", R"({"model":"\x41"})", 9, "model"},
    {"J4 a name with an unknown escape", R"({"mod\x65l":"m"})", 1, ""},
    {"COMPAT 41 stream a string", R"({"stream":"no"})", 10, "stream"},
    {"J4 stream a number", R"({"stream":1})", 10, "stream"},
    {"J4 stream_options a list", R"({"stream_options":[]})", 18, "stream_options"},
    {"J4 stream_options a string", R"({"stream_options":"a"})", 18, "stream_options"},
    {"J4 include_usage a string", R"({"stream_options":{"include_usage":"a"}})", 35,
     "stream_options"},
    {"max_tokens a string", R"({"max_tokens":"5"})", 14, "max_tokens"},
    {"max_completion_tokens a list", R"({"max_completion_tokens":[5]})", 25,
     "max_completion_tokens"},
    {"max_output_tokens a boolean", R"({"max_output_tokens":true})", 21, "max_output_tokens"},
};

TEST_F(JsonProbeTest, RefusesWithOffsetAndParam) {
  for (const FaultRow& row : kFaultRows) {
    SCOPED_TRACE(row.name);
    ASSERT_FALSE(probe(row.body));
    EXPECT_EQ(fault_.offset, row.offset) << fault_.message;
    EXPECT_EQ(fault_.param, row.param) << fault_.message;
    EXPECT_FALSE(fault_.message.empty());
  }
}

TEST_F(JsonProbeTest, RefusesEveryPrefixOfAGoodBody) {
  const std::string_view body =
      R"({"model":"m","stream":true,"stream_options":{"include_usage":false},"a":[{"b":-1.5}]})";
  for (std::size_t size = 0; size < body.size(); ++size) EXPECT_FALSE(probe(body.substr(0, size)));
  EXPECT_TRUE(probe(body));
}

TEST_F(JsonProbeTest, BoundsTheDepth) {
  const auto nested = [](std::size_t depth) {
    return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(probe(nested(511)));
  EXPECT_FALSE(probe(nested(512)));
  EXPECT_EQ(fault_.message, "nested too deeply");
}

TEST_F(JsonProbeTest, BoundsTheModel) {
  EXPECT_TRUE(probe(R"({"model":")" + std::string(JsonProber::kModelBytesMax, 'm') + "\"}"));
  EXPECT_FALSE(probe(R"({"model":")" + std::string(JsonProber::kModelBytesMax + 1, 'm') + "\"}"));
  EXPECT_EQ(fault_.param, "model");
}

TEST_F(JsonProbeTest, TellsWhereTheTokensStand) {
  const std::string_view body =
      R"({"model": "a\/b" ,"stream_options":{"x":{}, "include_usage":false }  ,"n":1})";
  ASSERT_TRUE(probe(body));
  EXPECT_EQ(body.substr(out_.model_at, out_.model_bytes), R"("a\/b")");
  EXPECT_EQ(body.substr(out_.stream_options_at, out_.stream_options_bytes),
            R"({"x":{}, "include_usage":false })");
  EXPECT_EQ(body.substr(out_.include_usage_at, out_.include_usage_bytes), "false");
  EXPECT_EQ(out_.object_end, body.size() - 1);
}

TEST_F(JsonProbeTest, KeepsNoIndexOfALargeBody) {
  const std::string small = R"({"model":"m","a":")" + std::string(40'000, 'x') + "\"}";
  const std::string large = R"({"model":"m","a":")" + std::string(2u << 20, 'x') + "\"}";
  ASSERT_TRUE(probe(small));
  const std::size_t kept = prober_.capacity();
  EXPECT_GE(kept, small.size());
  ASSERT_TRUE(probe(large));
  EXPECT_EQ(out_.model, "m");
  EXPECT_EQ(prober_.capacity(), kept);
  ASSERT_TRUE(probe(small));
  EXPECT_EQ(prober_.capacity(), kept);
}

}  // namespace
}  // namespace sluice
