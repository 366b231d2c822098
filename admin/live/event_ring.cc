#include "admin/live/event_ring.h"

#include <algorithm>
#include <ranges>

namespace sluice {

Severity severity_of(EventKind kind) noexcept {
  switch (kind) {
    case EventKind::kAccountError:
    case EventKind::kReloadFailed:
    case EventKind::kStoreTrouble: return Severity::kError;
    case EventKind::kDraining:
    case EventKind::kCooldownBegun:
    case EventKind::kBreakerOpened:
    case EventKind::kRetreatBegun:
    case EventKind::kLoginFailed: return Severity::kWarning;
    case EventKind::kStarted:
    case EventKind::kReloaded:
    case EventKind::kConfigChanged:
    case EventKind::kAccountCreated:
    case EventKind::kAccountChanged:
    case EventKind::kAccountDeleted:
    case EventKind::kAccountRecovered:
    case EventKind::kCooldownEnded:
    case EventKind::kBreakerClosed:
    case EventKind::kRetreatEnded:
    case EventKind::kHealthChanged:
    case EventKind::kClientCreated:
    case EventKind::kClientChanged:
    case EventKind::kClientRevoked:
    case EventKind::kPriceChanged:
    case EventKind::kLogin:
    case EventKind::kExport:
    case EventKind::kStoreRecovered:
    case EventKind::kBackup: break;
  }
  return Severity::kInfo;
}

void EventRing::add(Event event) {
  const std::lock_guard lock(mutex_);
  event.id = ++last_id_;
  failed_logins_ += event.kind == EventKind::kLoginFailed;
  events_.push_back(std::move(event));
  if (failed_logins_ <= kFailedLoginsMax && events_.size() <= kEventsMax) return;
  const auto oldest = failed_logins_ > kFailedLoginsMax
                          ? std::ranges::find(events_, EventKind::kLoginFailed, &Event::kind)
                          : events_.begin();
  failed_logins_ -= oldest->kind == EventKind::kLoginFailed;
  events_.erase(oldest);
}

std::uint64_t EventRing::last_id() const {
  const std::lock_guard lock(mutex_);
  return last_id_;
}

EventRing::Page EventRing::find(const Filter& filter) const {
  const std::lock_guard lock(mutex_);
  Page page{.events = {}, .last_id = last_id_, .dropped = last_id_ - events_.size()};
  for (const Event& event : events_ | std::views::reverse) {
    if (event.id <= filter.after || page.events.size() >= filter.limit) break;
    if (event.severity() < filter.at_least) continue;
    if (!filter.backend_id.empty() && event.backend_id != filter.backend_id) continue;
    page.events.push_back(event);
  }
  return page;
}

}  // namespace sluice
