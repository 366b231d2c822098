#include "engine/proxy/shard_metrics.h"

namespace sluice {

void ShardMetrics::count_request(const RequestLabels& labels) noexcept {
  if (requests_by_.count(labels.key(), other_series_)) return;
  RequestLabels together = labels;
  if (labels.model != LabelNames::kNone) together.model = LabelNames::kOther;
  if (labels.account != LabelNames::kNone) together.account = LabelNames::kOther;
  if (!requests_by_.count(together.key())) ++series_lost;
}

void ShardMetrics::count_account(const AccountLabels& labels) noexcept {
  if (by_account_.count(labels.key(), other_series_)) return;
  AccountLabels together = labels;
  together.account = LabelNames::kOther;
  if (!by_account_.count(together.key())) ++series_lost;
}

void ShardMetrics::count_usage(const Usage& usage, std::uint64_t cost) noexcept {
  const std::array<std::int64_t, kTokenKinds> used = {
      usage.prompt, usage.completion, usage.cached_read, usage.cached_write, usage.reasoning};
  for (std::size_t i = 0; i < kTokenKinds; ++i) tokens[i] += token_count(used[i]);
  nano_dollars += cost;
}

}  // namespace sluice
