#include "admin/metrics_writer.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

struct LabelRow {
  std::string_view value;
  std::string_view written;
};
constexpr LabelRow kLabelRows[] = {
    {"plain", R"(l="plain")"},
    {"", R"(l="")"},
    {R"(a"b)", R"(l="a\"b")"},
    {R"(a\b)", R"(l="a\\b")"},
    {"a\nb", R"(l="a\nb")"},
    {"{}=, ", R"(l="{}=, ")"},
    {"caf\xc3\xa9 \xe4\xb8\xad", "l=\"caf\xc3\xa9 \xe4\xb8\xad\""},
    {"a\xffz\xc3", R"(l="a\\xffz\\xc3")"},
};

TEST(MetricsWriter, LabelRows) {
  for (const LabelRow& row : kLabelRows) {
    std::string labels;
    append_label(labels, "l", row.value);
    EXPECT_EQ(labels, row.written);
  }
  std::string two = "a=\"1\"";
  append_label(two, "b", "2");
  EXPECT_EQ(two, R"(a="1",b="2")");
}

struct FractionRow {
  std::uint64_t billionths;
  std::string_view written;
};
constexpr FractionRow kFractionRows[] = {
    {0, "0"},
    {1, "0.000000001"},
    {10, "0.00000001"},
    {1'000'000'000, "1"},
    {1'500'000'000, "1.5"},
    {12'000'000'340, "12.00000034"},
    {UINT64_MAX, "18446744073.709551615"},
};

TEST(MetricsWriter, FractionsAreExact) {  // INVARIANTS L2
  for (const FractionRow& row : kFractionRows) {
    std::string out;
    MetricsWriter writer(MetricsFormat::kText, out);
    writer.family({.name = "x_usd", .type = MetricType::kCounter, .help = "H."});
    writer.fraction({}, row.billionths);
    EXPECT_EQ(out, "# HELP x_usd_total H.\n# TYPE x_usd_total counter\nx_usd_total " +
                       std::string(row.written) + "\n");
  }
}

void write_all_types(MetricsWriter& writer) {
  static constexpr auto kEdges = std::to_array<Boundary>({{1ms, "0.001"}, {1s, "1.0"}});
  writer.one({.name = "c", .type = MetricType::kCounter, .help = "A \"c\" \\ or\nso."}, 7);
  writer.family({.name = "g_bytes", .help = "G.", .unit = "bytes"});
  writer.sample("l=\"1\"", 8);
  writer.one({.name = "u", .type = MetricType::kUnknown, .help = "U."}, 9);
  Histogram<kEdges> histogram;
  histogram.add(500us);
  histogram.add(2ms);
  histogram.add(3s);
  writer.family(
      {.name = "h_seconds", .type = MetricType::kHistogram, .help = "H.", .unit = "seconds"});
  writer.histogram({}, histogram.read());
  writer.histogram("l=\"1\"", histogram.read());
  writer.end();
}

constexpr std::string_view kHistograms =
    "h_seconds_bucket{le=\"0.001\"} 1\nh_seconds_bucket{le=\"1.0\"} 2\n"
    "h_seconds_bucket{le=\"+Inf\"} 3\nh_seconds_sum 3.0025\nh_seconds_count 3\n"
    "h_seconds_bucket{l=\"1\",le=\"0.001\"} 1\nh_seconds_bucket{l=\"1\",le=\"1.0\"} 2\n"
    "h_seconds_bucket{l=\"1\",le=\"+Inf\"} 3\nh_seconds_sum{l=\"1\"} 3.0025\n"
    "h_seconds_count{l=\"1\"} 3\n";

TEST(MetricsWriter, AsPrometheusText) {
  std::string out;
  MetricsWriter writer(MetricsFormat::kText, out);
  write_all_types(writer);
  EXPECT_EQ(out,
            "# HELP c_total A \"c\" \\\\ or\\nso.\n# TYPE c_total counter\nc_total 7\n"
            "# HELP g_bytes G.\n# TYPE g_bytes gauge\ng_bytes{l=\"1\"} 8\n"
            "# HELP u U.\n# TYPE u untyped\nu 9\n"
            "# HELP h_seconds H.\n# TYPE h_seconds histogram\n" +
                std::string(kHistograms));
}

TEST(MetricsWriter, AsOpenMetrics) {
  std::string out;
  MetricsWriter writer(MetricsFormat::kOpenMetrics, out);
  write_all_types(writer);
  EXPECT_EQ(out,
            "# HELP c A \\\"c\\\" \\\\ or\\nso.\n# TYPE c counter\nc_total 7\n"
            "# HELP g_bytes G.\n# TYPE g_bytes gauge\n# UNIT g_bytes bytes\ng_bytes{l=\"1\"} 8\n"
            "# HELP u U.\n# TYPE u unknown\nu 9\n"
            "# HELP h_seconds H.\n# TYPE h_seconds histogram\n# UNIT h_seconds seconds\n" +
                std::string(kHistograms) + "# EOF\n");
}

}  // namespace
}  // namespace sluice
