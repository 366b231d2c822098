#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "admin/metrics_view.h"
#include "base/histogram.h"

namespace sluice {

enum class MetricType : std::uint8_t { kCounter, kGauge, kHistogram, kUnknown };

// MetricName - a family of series. A counter's name is without _total, which its samples have.
struct MetricName {
  std::string_view name;
  MetricType type = MetricType::kGauge;
  std::string_view help;       // a sentence
  std::string_view unit = {};  // OpenMetrics tells it; the name ends with it
};

// Appends `name="value"` to the labels of a series, behind a comma if there are some. What is no
// UTF-8, which would make a reader refuse all of the scrape, is written as \xNN.
void append_label(std::string& labels, std::string_view name, std::string_view value);

// MetricsWriter - writes families and their samples, one after the other, as Prometheus text 0.0.4
// or OpenMetrics 1.0. No float is ever made: what has a fraction is told in billionths and written
// as the exact decimal.
//
// Two things of OpenMetrics are left out. Exemplars: they would tell request ids to whoever may
// scrape. And the _created series, which it allows to leave out: a Prometheus that scrapes stores
// each as a series of its own, which would double their number.
//
// Owns      nothing: appends to `out`.
class MetricsWriter {
 public:
  MetricsWriter(MetricsFormat format, std::string& out) noexcept : format_(format), out_(out) {}

  // Begins a family. Once for each name.
  void family(const MetricName& name);

  // A sample of the family. `labels`: as append_label() writes them, "" for none.
  void sample(std::string_view labels, std::uint64_t value);
  // ... of `billionths` of the unit: nanoseconds of seconds, nano-dollars of dollars.
  void fraction(std::string_view labels, std::uint64_t billionths);
  void seconds(std::string_view labels, Duration value) {
    fraction(labels, value.count() < 0 ? 0 : static_cast<std::uint64_t>(value.count()));
  }
  template <const auto& kBoundaries>
  void histogram(std::string_view labels, const HistogramCounts<kBoundaries>& counts) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kBoundaries.size(); ++i)
      bucket(labels, kBoundaries[i].seconds, sum += counts.counts[i]);
    sum += counts.counts.back();
    bucket(labels, "+Inf", sum);
    series("_sum", labels);
    add_fraction(counts.sum_ns);
    series("_count", labels);
    add_number(sum);
  }

  // A family of one sample.
  void one(const MetricName& name, std::uint64_t value) {
    family(name);
    sample({}, value);
  }

  // Once, behind everything.
  void end();

 private:
  void series(std::string_view suffix, std::string_view labels);
  void bucket(std::string_view labels, std::string_view most, std::uint64_t count);
  void add_number(std::uint64_t value);
  void add_fraction(std::uint64_t billionths);
  void add_help(std::string_view text);

  MetricsFormat format_;
  std::string& out_;
  MetricName family_;
};

}  // namespace sluice
