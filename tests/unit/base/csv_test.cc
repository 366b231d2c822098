#include "base/csv.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(CsvText, OnlyWhatMustBeIsQuotedAndNothingIsAFormula) {
  const struct {
    const char* what;
    std::string_view text;
    std::string_view written;
  } rows[] = {
      {"nothing", "", ""},
      {"a name", "team-a", "team-a"},
      {"what separates values", "a,b", "\"a,b\""},
      {"a quote", "a\"b", "\"a\"\"b\""},
      {"a line end", "a\nb", "\"a\nb\""},
      {"the other line end", "a\rb", "\"a\rb\""},
      {"a formula", "=1+1", "\"'=1+1\""},
      {"a formula with quotes", "=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""},
      {"a sum", "+1", "\"'+1\""},
      {"a difference", "-1", "\"'-1\""},
      {"a function", "@SUM(A1)", "\"'@SUM(A1)\""},
      {"a tab before one", "\t=1", "\"'\t=1\""},
      {"a line end before one", "\r=1", "\"'\r=1\""},
      {"the other line end before one", "\n=1", "\"'\n=1\""},
      {"what would be one further on", "a=1", "a=1"},
      {"not ASCII", "\xc3\xa4", "\xc3\xa4"},
  };
  for (const auto& row : rows) EXPECT_EQ(csv_text(row.text), row.written) << row.what;
}

}  // namespace
}  // namespace sluice
