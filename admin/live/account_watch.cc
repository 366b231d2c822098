#include "admin/live/account_watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice {
namespace {

struct Told {
  std::string text;
  EventValues values = {};
};

// `seconds`: what is left of it, or about how long it was.
Told cooldown(const AccountView& view, std::int64_t seconds) {
  const std::uint32_t count = std::max(view.cooldowns, 1u);  // 0: it is over, and has served since
  return {fmt::format("The account answered 429 and is left alone for {} s; cooldown {} in a row.",
                      seconds, count),
          {{"seconds", std::to_string(seconds)}, {"count", std::to_string(count)}}};
}

Told breaker_opened(const AccountView& view, std::int64_t unix_ms) {
  Told told{"The account only failed; nobody is sent there for a while.", {{"what", "failed"}}};
  if (!view.last_fault || view.breaker_open_until == 0) return told;
  const std::int64_t seconds = (view.breaker_open_until - unix_ms + 999) / 1000;
  told.text = fmt::format("The account only failed ({}); nobody is sent there for {} s.",
                          view.last_fault->summary, seconds);
  told.values = {{"what", "failed_with"},
                 {"fault", std::string(view.last_fault->kind)},
                 {"seconds", std::to_string(seconds)}};
  return told;
}

Told retreat_begun(const AccountView& view, const Account& account) {
  return {fmt::format("The provider answers 429 below the limit; {} of {} requests are used now.",
                      view.capacity, account.rpm_limit),
          {{"now", std::to_string(view.capacity)}, {"of", std::to_string(account.rpm_limit)}}};
}

// Two digits where it is short: 0.34, 2.5, 120.
std::string milliseconds(std::uint64_t us) {
  constexpr std::uint64_t kWholeFromUs = 10'000;
  return us < kWholeFromUs ? fmt::format("{:.2g}", static_cast<double>(us) / 1e3)
                           : fmt::format("{}", us / 1000);
}

Told health_changed(const AccountHealth& health) {
  const std::string state(kHealthNames[static_cast<std::size_t>(health.state)]);
  const bool answers = health.last_status >= 200 && health.last_status < 300;
  if (health.state == Health::kDegraded && answers && health.rate_is_poor()) {
    const int percent = static_cast<int>(*health.success_rate * 100);
    return {fmt::format("The account is {}: {} % of its attempts in the last 5 minutes succeeded.",
                        state, percent),
            {{"what", "rate"}, {"state", state}, {"percent", std::to_string(percent)}}};
  }
  if (health.last_status == 0)
    return {fmt::format("The account is {}: the last probe got no answer.", state),
            {{"what", "silent"}, {"state", state}}};
  return {fmt::format("The account is {}: the last probe was answered {} after {} ms.", state,
                      health.last_status, milliseconds(health.last_latency_us)),
          {{"what", "answered"},
           {"state", state},
           {"status", std::to_string(health.last_status)},
           {"ms", milliseconds(health.last_latency_us)}}};
}

std::optional<Severity> severity_of(Health health) {
  if (health == Health::kDown) return Severity::kError;
  if (health == Health::kDegraded) return Severity::kWarning;
  return std::nullopt;
}

}  // namespace

// What is older than the last look was told then, or is of a time when the account was another's.
// One that was only lengthened a little is the one that was there.
bool AccountWatch::has_cooled_anew(const Was& was, const AccountView& view) noexcept {
  return was.at != Instant{} && view.cooled_until > was.at && was.cooled_until <= view.at &&
         view.cooled_until >= was.cooled_until + kCooldownShortest;
}

void AccountWatch::look(const Account& account, const AccountView& view,
                        const AccountHealth& health, const TaggedAccounts& names,
                        std::int64_t unix_ms, EventRing& events) {
  const Was now{.at = view.at,
                .cooled_until = view.cooled_until,
                .cooling = view.cooldown_until_ms != 0,
                .error = view.status == AccountStatus::kError,
                .open = view.breaker != BreakerState::kClosed,
                .below = view.retreat != Retreat::State::kNormal,
                .health = health.state};
  const auto [found, is_new] = was_.try_emplace(account.name);
  Was& was = found->second;
  if (is_new && health.restored) was.health = health.state;  // was told before the restart
  const auto tell = [&](EventKind kind, Told told, std::optional<Severity> severity = {}) {
    events.add({.unix_ms = unix_ms,
                .kind = kind,
                .account = account.name,
                .backend_id = names.id_of(account.name),
                .client = {},
                .text = std::move(told.text),
                .values = std::move(told.values),
                .own_severity = severity});
  };
  const bool anew = has_cooled_anew(was, view);
  const bool unseen = anew && view.cooled_until <= view.at;  // it is over, too
  if (was.cooling && (!now.cooling || anew))
    tell(EventKind::kCooldownEnded, {"The account's cooldown is over."});
  if (now.cooling && (!was.cooling || anew))
    tell(EventKind::kCooldownBegun,
         cooldown(view, (view.cooldown_until_ms - unix_ms + 999) / 1000));
  if (unseen) {
    tell(EventKind::kCooldownBegun,
         cooldown(view, (view.cooled_until - std::max(was.at, was.cooled_until)) / 1s));
    tell(EventKind::kCooldownEnded, {"The account's cooldown is over."});
  }
  if (now.error && !was.error)
    tell(EventKind::kAccountError,
         {"The provider refused the account's key; it is not used until the key is changed.",
          {{"what", "refused"}}});
  if (!now.error && was.error && view.status != AccountStatus::kDisabled)
    tell(EventKind::kAccountRecovered, {"The account is used again."});
  if (now.open && !was.open) tell(EventKind::kBreakerOpened, breaker_opened(view, unix_ms));
  if (!now.open && was.open) tell(EventKind::kBreakerClosed, {"The account answers again."});
  if (now.below && !was.below) tell(EventKind::kRetreatBegun, retreat_begun(view, account));
  if (!now.below && was.below)
    tell(EventKind::kRetreatEnded, {"The account uses its whole limit again."});
  // That a first probe finds nothing wrong is no news.
  const bool expected = was.health == Health::kUnknown && now.health == Health::kHealthy;
  if (now.health != was.health && !expected)
    tell(EventKind::kHealthChanged, health_changed(health), severity_of(health.state));
  was = now;
}

void AccountWatch::look(const UnopenedAccount& account, const TaggedAccounts& names,
                        std::int64_t unix_ms, EventRing& events) {
  Was& was = was_[account.name];
  if (account.enabled && !was.error) {
    events.add({.unix_ms = unix_ms,
                .kind = EventKind::kAccountError,
                .account = account.name,
                .backend_id = names.id_of(account.name),
                .client = {},
                .text = fmt::format("The account is not used until it is given its key again: {}.",
                                    account.why),
                .values = {{"what", "unopened"}, {"why", account.why}}});
  }
  was = {.error = account.enabled};
}

}  // namespace sluice
