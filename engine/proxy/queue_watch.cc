#include "engine/proxy/queue_watch.h"

#include <algorithm>

#include "engine/route/outlook.h"

namespace sluice {
namespace {

constexpr Duration kEvery = 250ms;

}  // namespace

QueueSummary summarize(WaitQueue& queue, Instant now) {
  QueueSummary summary;
  const auto older = [](Instant& oldest, Instant at) {
    if (oldest == Instant{} || at < oldest) oldest = at;
  };
  queue.each_waiter([&summary, &older, now](const Waiter& waiter) {
    const Seeker& seeker = *waiter.seeker;
    const auto known = std::ranges::find(summary.models, seeker.model, &QueueSummary::Model::model);
    QueueSummary::Model& model = known != summary.models.end()
                                     ? *known
                                     : summary.models.emplace_back(QueueSummary::Model{
                                           .model = std::string(seeker.model), .per_priority = {}});
    ++model.per_priority[rank_of(seeker.priority)];
    ++summary.per_priority[rank_of(seeker.priority)];
    older(model.oldest, waiter.entered_at);
    older(summary.oldest, waiter.entered_at);
    const Outlook seen = outlook(*waiter.route, waiter.route->range_of(waiter.pool), seeker.tried,
                                 now, seeker.demand);
    model.next_permit_at = std::min(model.next_permit_at, seen.ready_at);
  });
  return summary;
}

void QueueWatch::start() noexcept {
  Shard& home = dispatcher_.home();
  home.timers().start(*this, home.now() + kEvery);
}

std::shared_ptr<const QueueSummary> QueueWatch::summary() const {
  const std::lock_guard lock(mutex_);
  return summary_;
}

void QueueWatch::on_timer() noexcept {
  WaitQueue& queue = dispatcher_.queue();
  const bool anybody = queue.depth() > 0;
  if (anybody || somebody_) {
    auto next = std::make_shared<const QueueSummary>(summarize(queue, dispatcher_.home().now()));
    const std::lock_guard lock(mutex_);
    summary_.swap(next);
  }
  somebody_ = anybody;
  start();
}

}  // namespace sluice
