#pragma once

#include <array>
#include <string>
#include <vector>

#include "admin/account_condition.h"
#include "admin/metrics_view.h"
#include "admin/metrics_writer.h"
#include "admin/traffic_totals.h"

namespace sluice {

// MetricsScrape - what the parts of one scrape have in common: the view, and what was added up of
// it, once.
//
// Affinity  one thread. Lifetime: within the view's.
class MetricsScrape {
 public:
  struct OfAccount {
    std::string labels;  // account="..."
    AccountCondition condition;
    Pool pool;
    std::uint32_t permits;
    std::uint64_t rpm_effective_billionths;  // per minute, whatever the account's window
    std::uint32_t in_flight;
    const EffectiveLimits* effective;
  };

  explicit MetricsScrape(const MetricsView& view);

  // `name="text of label"`, appended.
  void append(std::string& labels, std::string_view name, Label label) const {
    append_label(labels, name, view.directory->labels.text(label));
  }
  // A shard may know a newer directory than the view: the next scrape has its names.
  [[nodiscard]] bool knows(Label label) const noexcept {
    return view.directory->labels.knows(label);
  }

  const MetricsView& view;
  TrafficTotals totals;
  std::vector<LabelledCount> requests;
  std::vector<LabelledCount> account_events;
  std::vector<OfAccount> accounts;
};

// The parts of a scrape, in their order.
void write_account_metrics(const MetricsScrape& scrape, MetricsWriter& writer);
// The names of the predecessor (docs/COMPAT.md), with its meanings.
void write_predecessor_metrics(const MetricsScrape& scrape, MetricsWriter& writer);

}  // namespace sluice
