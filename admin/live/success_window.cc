#include "admin/live/success_window.h"

namespace sluice {

void SuccessWindow::take(std::span<const ShardFigures> shards, const Directory& directory,
                         Instant now, HealthBoard& board) {
  if (!readings_.empty() && now < readings_.back().at + kEvery) return;
  // What came before the first look came of late, too: the counts began with the process.
  if (readings_.empty()) readings_.push_back({.at = now, .by_account = {}});
  Reading reading{.at = now, .by_account = {}};
  for (const LabelledCount& series : add_up_account_events(shards)) {
    const AccountLabels labels = AccountLabels::of(series.key);
    if (labels.event != AccountEvent::kAttempt || labels.outcome == TryOutcome::kClientGone ||
        labels.outcome == TryOutcome::kClientFault)
      continue;
    Counts& counts = reading.by_account[labels.account];
    counts.attempts += series.count;
    if (labels.outcome == TryOutcome::kServed) counts.served += series.count;
  }
  while (readings_.size() > 1 && readings_[1].at + kWindow <= now) readings_.pop_front();
  for (const auto& account : directory.accounts) {
    const auto counts_of = [&account](const Reading& of) {
      const auto found = of.by_account.find(account->label);
      return found == of.by_account.end() ? Counts{} : found->second;
    };
    const Counts last = counts_of(reading);
    const Counts first = counts_of(readings_.front());
    const std::uint64_t attempts = last.attempts - first.attempts;
    std::optional<double> rate;
    if (attempts > 0)
      rate = static_cast<double>(last.served - first.served) / static_cast<double>(attempts);
    board.note_rate(account->name, rate);
  }
  readings_.push_back(std::move(reading));
}

}  // namespace sluice
