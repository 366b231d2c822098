#include "base/log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice {
namespace {

class KeptLines final : public LogSink {
 public:
  void write(std::string_view line) noexcept override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

class LogTest : public testing::Test {
 protected:
  // What one field looks like, without the head and the end of the line.
  std::string field_text(LogFormat format, std::string_view value) {
    const Log log(sink_, clock_, LogLevel::kInfo, format);
    sink_.lines.clear();
    { LogLine(log, LogLevel::kInfo, "m").field("k", value); }
    std::string line = sink_.lines.at(0);
    const std::string head = format == LogFormat::kJson ? "\"k\":" : " k=";
    line.erase(0, line.find(head) + head.size());
    return line.substr(0, line.size() - (format == LogFormat::kJson ? 2 : 1));
  }

  KeptLines sink_;
  ManualClock clock_{Instant(1s)};
};

TEST_F(LogTest, TextLineHasTimeLevelMessageAndFields) {
  const Log log(sink_, clock_, LogLevel::kInfo, LogFormat::kText);
  { LogLine(log, LogLevel::kWarning, "account cooled").field("account", "a b").field("s", -30); }
  ASSERT_EQ(sink_.lines.size(), 1u);
  EXPECT_EQ(sink_.lines[0],
            "2023-11-14T22:13:21.000Z warning account cooled account=\"a b\" s=-30\n");
}

TEST_F(LogTest, JsonLineHasTimeLevelMessageAndFields) {
  const Log log(sink_, clock_, LogLevel::kInfo, LogFormat::kJson);
  clock_.advance(250ms);
  { LogLine(log, LogLevel::kError, "say \"hi\"").field("account", "team-a").field("s", 30); }
  ASSERT_EQ(sink_.lines.size(), 1u);
  EXPECT_EQ(sink_.lines[0],
            "{\"time\":\"2023-11-14T22:13:21.250Z\",\"level\":\"error\","
            "\"message\":\"say \\\"hi\\\"\",\"account\":\"team-a\",\"s\":30}\n");
}

TEST_F(LogTest, LinesBelowTheLevelAreNotWritten) {
  Log log(sink_, clock_, LogLevel::kWarning, LogFormat::kText);
  { LogLine(log, LogLevel::kInfo, "quiet").field("k", "v").field("n", 1); }
  EXPECT_TRUE(sink_.lines.empty());
  log.set_level(LogLevel::kDebug);
  { LogLine(log, LogLevel::kDebug, "loud"); }
  EXPECT_EQ(sink_.lines.size(), 1u);
}

struct EscapeRow {
  const char* rule;
  std::string_view value;
  const char* text;
  const char* json;
};

constexpr EscapeRow kEscapeRows[] = {
    {"a plain word stands bare", "gpt-4o/mini", "gpt-4o/mini", "\"gpt-4o/mini\""},
    {"an empty value is quoted", "", "\"\"", "\"\""},
    {"spaces are quoted", "a b", "\"a b\"", "\"a b\""},
    {"an equals sign is quoted", "a=b", "\"a=b\"", "\"a=b\""},
    {"quotes are escaped", "a\"b", "\"a\\\"b\"", "\"a\\\"b\""},
    {"backslashes are escaped", "a\\b", "\"a\\\\b\"", "\"a\\\\b\""},
    {"a line feed cannot begin a line", "a\nb", "\"a\\nb\"", "\"a\\nb\""},
    {"a carriage return cannot rub out", "a\rb", "\"a\\rb\"", "\"a\\rb\""},
    {"an escape sequence is not obeyed", "\x1b[2J", "\"\\u001b[2J\"", "\"\\u001b[2J\""},
    {"NUL ends nothing", std::string_view("a\0b", 3), "\"a\\u0000b\"", "\"a\\u0000b\""},
    {"DEL", "\x7f", "\"\\u007f\"", "\"\\u007f\""},
    {"a C1 control (CSI)", "\xc2\x9b", "\"\\u009b\"", "\"\\u009b\""},
    {"a line separator", "\xe2\x80\xa8", "\"\\u2028\"", "\"\\u2028\""},
    {"a bidirectional override", "\xe2\x80\xae", "\"\\u202e\"", "\"\\u202e\""},
    {"letters of other scripts stay", "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"",
     "\"gr\xc3\xbc\xc3\x9f\""},
    {"a byte that is no UTF-8", "a\xff", "\"a\\xff\"", "\"a\\\\xff\""},
    {"a character that is cut short", "\xe2\x80", "\"\\xe2\\x80\"", "\"\\\\xe2\\\\x80\""},
};

TEST_F(LogTest, ValuesAreEscaped) {
  for (const EscapeRow& row : kEscapeRows) {
    EXPECT_EQ(field_text(LogFormat::kText, row.value), row.text) << row.rule;
    EXPECT_EQ(field_text(LogFormat::kJson, row.value), row.json) << row.rule;
  }
}

TEST_F(LogTest, ALongLineIsCutAndSaysSo) {
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
    const bool json = format == LogFormat::kJson;
    const Log log(sink_, clock_, LogLevel::kInfo, format);
    for (std::size_t size = 1900; size < 2100; ++size) {
      sink_.lines.clear();
      const std::string value(size, 'x');
      { LogLine(log, LogLevel::kInfo, "m").field("k", value).field("n", 12345).field("t", "e"); }
      const std::string& line = sink_.lines.at(0);
      ASSERT_LE(line.size(), LogLine::kLogLineBytesMax);
      const std::string whole = json ? "\"n\":12345,\"t\":\"e\"}\n" : " n=12345 t=e\n";
      const std::string cut = json ? ",\"cut\":true}\n" : " cut=true\n";
      ASSERT_TRUE(line.ends_with(whole) || line.ends_with(cut)) << line;
    }
  }
}

struct BoundRow {
  const char* rule;
  std::string_view value;
  const char* text;
  const char* json;
};

// Bounded to eight bytes.
constexpr BoundRow kBoundRows[] = {
    {"what fits is whole", "12345678", "12345678", "\"12345678\""},
    {"what does not ends with dots", "123456789", "12345...", "\"12345...\""},
    {"a character stays whole",
     "1234\xc3\xbc"
     "6789",
     "1234...", "\"1234...\""},
    {"an escape that fits", "12\n4567", "\"12\\n4567\"", "\"12\\n4567\""},
    {"counts as it is written", "12\n45678", "\"12\\n4...\"", "\"12\\n4...\""},
    {"one that does not fit is left out", "\x01\x01", "...", "\"...\""},
    {"JSON's escapes are longer", "123\xff", "\"123\\xff\"", "\"123\\\\xff\""},
    {"so that JSON may be cut earlier", "1234\xff", "\"1234\\xff\"", "\"1234...\""},
};

TEST_F(LogTest, ABoundedValueIsCutAndSaysSo) {
  for (const BoundRow& row : kBoundRows) {
    for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
      const bool json = format == LogFormat::kJson;
      const Log log(sink_, clock_, LogLevel::kInfo, format);
      sink_.lines.clear();
      {
        LogLine line(log, LogLevel::kInfo, "m");
        line.field("k", row.value, 8).field("n", 1);
      }
      const std::string expected = json ? std::string(",\"k\":") + row.json + ",\"n\":1}\n"
                                        : std::string(" k=") + row.text + " n=1\n";
      EXPECT_TRUE(sink_.lines.at(0).ends_with(expected)) << row.rule << "\n" << sink_.lines[0];
    }
  }
}

TEST_F(LogTest, ACutNeverSplitsAnEscape) {
  const Log log(sink_, clock_, LogLevel::kInfo, LogFormat::kJson);
  for (std::size_t pad = 0; pad < 12; ++pad) {
    sink_.lines.clear();
    const std::string value = std::string(pad, 'x') + std::string(3000, '\x01');
    { LogLine(log, LogLevel::kInfo, value).field("k", value); }
    const std::string& line = sink_.lines.at(0);
    EXPECT_TRUE(line.ends_with("\\u0001\",\"cut\":true}\n")) << line.substr(line.size() - 40);
  }
}

}  // namespace
}  // namespace sluice
