#include "parser/json_splice.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/block_pool.h"
#include "base/prng.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

class JsonSpliceTest : public testing::Test {
 protected:
  std::string splice(std::string_view body, std::string_view native, bool add_usage) {
    RequestProbe probe;
    ProbeFault fault;
    EXPECT_TRUE(prober_.probe(body, arena_, probe, fault)) << fault.message << '\n' << body;
    spliced_ = splice_request(body, probe, native, add_usage, arena_);
    std::string out;
    for (std::uint32_t i = 0; i < spliced_.count; ++i) out += spliced_.pieces[i];
    EXPECT_EQ(out.size(), spliced_.bytes);
    return out;
  }

  BlockPool pool_;
  Arena arena_{pool_};
  JsonProber prober_;
  SplicedBody spliced_;
};

struct SpliceRow {
  const char* name;
  std::string_view body;
  std::string_view native;
  bool add_usage;
  std::string_view result;
};

constexpr SpliceRow kSpliceRows[] = {
    {"COMPAT 1 the model is rewritten", R"({"model":"m","n":1})", "org/m", false,
     R"({"model":"org/m","n":1})"},
    {"the native name is escaped", R"({"model":"m"})", "a\"b\\c\n", false,
     R"({"model":"a\"b\\c\u000a"})"},
    {"the same model stays as it is spelled", R"({"model":"a\/b"})", "a/b", false,
     R"({"model":"a\/b"})"},
    {"no model, no change", R"({"n":1})", "m", false, R"({"n":1})"},
    {"usage as a new member", R"({"model":"m","stream":true})", "m", true,
     R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})"},
    {"usage before white space", "{\"model\":\"m\" \n} ", "m", true,
     "{\"model\":\"m\" \n,\"stream_options\":{\"include_usage\":true}} "},
    {"usage in an empty object", "{}", "", true, R"({"stream_options":{"include_usage":true}})"},
    {"usage within stream_options", R"({"stream_options":{"a":1},"model":"m"})", "n", true,
     R"({"stream_options":{"include_usage":true,"a":1},"model":"n"})"},
    {"usage within an empty stream_options", R"({"model":"m","stream_options":{ }})", "n", true,
     R"({"model":"n","stream_options":{"include_usage":true }})"},
    {"usage for null", R"({"stream_options":null,"model":"m"})", "n", true,
     R"({"stream_options":{"include_usage":true},"model":"n"})"},
    {"usage for false", R"({"stream_options":{"include_usage":false},"model":"m"})", "m", true,
     R"({"stream_options":{"include_usage":true},"model":"m"})"},
    {"usage that is asked for already", R"({"stream_options":{"include_usage":true},"model":"m"})",
     "m", true, R"({"stream_options":{"include_usage":true},"model":"m"})"},
};

TEST_F(JsonSpliceTest, ChangesOnlyTheseMembers) {
  for (const SpliceRow& row : kSpliceRows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(splice(row.body, row.native, row.add_usage), row.result);
  }
}

TEST_F(JsonSpliceTest, ABodyWithoutChangeIsOnePieceOfItself) {
  const std::string_view body = R"({"model":"m"})";
  splice(body, "m", false);
  ASSERT_EQ(spliced_.count, 1u);
  EXPECT_EQ(spliced_.pieces[0].data(), body.data());
}

// Documents of all shapes, spelled with and without white space and escapes.
class Documents {
 public:
  explicit Documents(std::uint64_t seed) : prng_(seed) {}

  std::string request() {
    Json body = Json::object();
    const std::size_t members = below(6);
    for (std::size_t i = 0; i < members; ++i) body["k" + std::to_string(below(9))] = value(0);
    if (below(4) != 0) body["model"] = text();
    if (below(2) != 0) body["stream"] = below(2) != 0;
    if (below(2) != 0) body["messages"] = Json::array({{{"model", text()}, {"stream", "no"}}});
    if (below(2) != 0) body["stream_options"] = stream_options();
    if (below(3) == 0) body["max_tokens"] = below(5000);
    std::string out =
        body.dump(below(2) != 0 ? -1 : static_cast<int>(below(4)), ' ', below(2) != 0);
    return below(3) != 0 ? out : "\n " + out + "\r\n\t";
  }
  std::string text() {
    static constexpr std::string_view kParts[] = {"a", "/",  "\"", "\\", "é",
                                                  "😀", "\n", "{",  "]",  ","};
    std::string out = "x";
    for (std::size_t i = below(8); i != 0; --i) out += kParts[below(std::size(kParts))];
    return out;
  }

 private:
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(prng_.next() % bound); }
  Json stream_options() {
    if (below(4) == 0) return nullptr;
    Json out = Json::object();
    if (below(2) != 0) out["a"] = value(2);
    if (below(2) != 0) out["include_usage"] = below(3) == 0 ? Json(nullptr) : Json(below(2) != 0);
    if (below(2) != 0) out["z"] = value(2);
    return out;
  }
  Json value(int depth) {
    switch (depth > 3 ? below(5) : below(7)) {
      case 0: return nullptr;
      case 1: return below(2) != 0;
      case 2: return static_cast<int>(below(100'000)) - 50'000;
      case 3: return static_cast<double>(below(1000)) / 7;
      case 4: return text();
      case 5: {
        Json list = Json::array();
        for (std::size_t i = below(4); i != 0; --i) list.push_back(value(depth + 1));
        return list;
      }
      default: {
        Json object = Json::object();
        for (std::size_t i = below(4); i != 0; --i) object[text()] = value(depth + 1);
        return object;
      }
    }
  }
  Prng prng_;
};

TEST_F(JsonSpliceTest, RandomDocumentsParseToTheSameWithTheseChanges) {
  Documents documents(20260401);
  for (int round = 0; round < 4000; ++round) {
    const std::string body = documents.request();
    const std::string native = documents.text();
    const bool add_usage = round % 2 == 0;
    Json expected = Json::parse(body);
    if (expected.contains("model")) expected["model"] = native;
    if (add_usage) {
      if (!expected.contains("stream_options") || expected["stream_options"].is_null())
        expected["stream_options"] = Json::object();
      expected["stream_options"]["include_usage"] = true;
    }
    const std::string result = splice(body, native, add_usage);
    const Json got = Json::parse(result, nullptr, false);
    // Order aside: a new include_usage stands first.
    ASSERT_EQ(nlohmann::json(got), nlohmann::json(expected)) << body << '\n' << result;
    arena_.reset();
  }
}

// Pieces of the body appear in order, without overlap, and what is left out between them is a token
// that the probe named.
TEST_F(JsonSpliceTest, AllOtherBytesAreThoseOfTheBody) {
  Documents documents(7);
  for (int round = 0; round < 4000; ++round) {
    const std::string body = documents.request();
    splice(body, "native", round % 2 == 0);
    std::size_t kept = 0;
    const char* at = body.data();
    for (std::uint32_t i = 0; i < spliced_.count; ++i) {
      const std::string_view piece = spliced_.pieces[i];
      if (piece.data() < body.data() || piece.data() >= body.data() + body.size()) continue;
      ASSERT_GE(piece.data(), at);
      at = piece.data() + piece.size();
      kept += piece.size();
    }
    RequestProbe probe;
    ProbeFault fault;
    ASSERT_TRUE(prober_.probe(body, arena_, probe, fault));
    EXPECT_GE(kept + probe.model_bytes + 5, body.size()) << body;  // 5: "false"
    arena_.reset();
  }
}

}  // namespace
}  // namespace sluice
