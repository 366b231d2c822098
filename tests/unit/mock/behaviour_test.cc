#include "tools/mock/behaviour.h"

#include <gtest/gtest.h>

#include <set>

#include "tools/mock/directive_table.h"
#include "tools/mock/text.h"

namespace sluice {
namespace {

Behaviour behaviour_of(std::string_view list) {
  Behaviour behaviour;
  EXPECT_EQ(apply_directives(behaviour, list), std::nullopt) << list;
  return behaviour;
}

TEST(Directives, StandInAListInAnyOrder) {
  const Behaviour behaviour = behaviour_of(" status=429 ;retry-after=1.5; latency = 20ms;;gzip");
  EXPECT_EQ(behaviour.head.status, 429);
  EXPECT_EQ(behaviour.head.retry_after, "1.5");
  EXPECT_EQ(behaviour.latency, 20ms);
  EXPECT_TRUE(behaviour.wire.gzip);
}

TEST(Directives, LaterOnesWinOneByOne) {
  Behaviour behaviour = behaviour_of("status=500;tokens=3");
  EXPECT_EQ(apply_directives(behaviour, "status=200"), std::nullopt);
  EXPECT_EQ(behaviour.head.status, 200);
  EXPECT_EQ(behaviour.content.tokens, 3u);
}

TEST(Directives, TakeEscapedBytesInTheirValues) {
  EXPECT_EQ(behaviour_of("raw=HTTP/1.1 200 OK%0d%0A%3b").fault.raw, "HTTP/1.1 200 OK\r\n;");
  EXPECT_EQ(behaviour_of("content=100%").content.content, "100%");
}

TEST(Directives, FieldsAddUpAndKeepTheirSpelling) {
  const Behaviour behaviour = behaviour_of("header=X-One: 1;header=x-two:2");
  const std::vector<MockField> expected = {{"X-One", "1"}, {"x-two", "2"}};
  EXPECT_EQ(behaviour.head.fields, expected);
}

TEST(Directives, TokensPerSecondIsAGap) {
  EXPECT_EQ(behaviour_of("tokens-per-second=50").gap, 20ms);
  EXPECT_EQ(behaviour_of("tokens-per-second=50;tokens-per-second=0").gap, 0ms);
}

TEST(Directives, HangIsAStallWithoutEnd) {
  EXPECT_EQ(behaviour_of("hang").fault.stall, kStallForever);
  EXPECT_EQ(behaviour_of("stall=forever;stall-at=event:2").fault.stall_at,
            (Point{Point::Kind::kEvent, 2}));
}

TEST(Directives, TruncateIsAnAbortAtAByte) {
  const Behaviour behaviour = behaviour_of("truncate=100");
  EXPECT_EQ(behaviour.fault.abort, Abort::kFin);
  EXPECT_EQ(behaviour.fault.abort_at, (Point{Point::Kind::kByte, 100}));
}

TEST(Directives, InformationalAnswersHaveACount) {
  EXPECT_EQ(behaviour_of("informational=103").head.informational_count, 1u);
  EXPECT_EQ(behaviour_of("informational=102*12").head.informational_count, 12u);
}

struct WrongRow {
  const char* rule;
  const char* list;
  const char* must_name;
};
constexpr WrongRow kWrongRows[] = {
    {"an unknown name", "statuz=429", "statuz"},
    {"a status that is none", "status=abc", "200 to 999"},
    {"a status of an interim answer", "status=103", "200 to 999"},
    {"a duration without a unit it knows", "latency=20parsecs", "20parsecs"},
    {"a point that is none", "abort-at=middle", "event:N"},
    {"a malformation that is none", "malformed=everything", "malformed"},
    {"a field without a colon", "header=X-One", "Name: value"},
    {"a flag that is neither", "gzip=maybe", "true or false"},
    {"a list in which the last is wrong", "status=429;tokens=-1", "tokens"},
};

TEST(Directives, NameWhatIsWrongAndWhatWouldBeRight) {
  for (const WrongRow& row : kWrongRows) {
    Behaviour behaviour;
    const std::optional<std::string> fault = apply_directives(behaviour, row.list);
    ASSERT_TRUE(fault) << row.rule;
    EXPECT_NE(fault->find(row.must_name), std::string::npos) << row.rule << ": " << *fault;
  }
}

TEST(Directives, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const Directive& directive : directive_table()) {
    EXPECT_TRUE(names.insert(directive.name).second) << directive.name;
    EXPECT_FALSE(directive.takes.empty()) << directive.name;
  }
}

struct WildcardRow {
  const char* pattern;
  const char* text;
  bool matches;
};
constexpr WildcardRow kWildcardRows[] = {
    {"gpt-4o", "gpt-4o", true},     {"gpt-4o", "gpt-4o-mini", false},
    {"gpt-*", "gpt-4o", true},      {"*", "", true},
    {"*mini", "gpt-4o-mini", true}, {"a*b*c", "aXbYbZc", true},
    {"a*b*c", "aXbYbZ", false},     {"", "a", false},
};

TEST(Wildcards, StandForAnyText) {
  for (const WildcardRow& row : kWildcardRows) {
    EXPECT_EQ(wildcard_match(row.pattern, row.text), row.matches) << row.pattern << " " << row.text;
  }
}

TEST(Base64, IsThatOfTheRfc) {
  // RFC 4648 section 10
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xff\xff"), "////");
}

}  // namespace
}  // namespace sluice
