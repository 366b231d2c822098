#include "admin/live/account_watch.h"

#include <fmt/format.h>

namespace sluice {
namespace {

std::string cooldown_text(const AccountView& view, std::int64_t unix_ms) {
  return fmt::format("The account answered 429 and is left alone for {} s; cooldown {} in a row.",
                     (view.cooldown_until_ms - unix_ms + 999) / 1000, view.cooldowns);
}

std::string health_text(const AccountHealth& health) {
  const std::string_view state = kHealthNames[static_cast<std::size_t>(health.state)];
  if (health.last_status == 0)
    return fmt::format("The account is {}: the last probe got no answer.", state);
  return fmt::format("The account is {}: the last probe was answered {} after {} ms.", state,
                     health.last_status, health.last_latency_ms);
}

}  // namespace

void AccountWatch::look(const Account& account, const AccountView& view,
                        const AccountHealth& health, const TaggedAccounts& names,
                        std::int64_t unix_ms, EventRing& events) {
  const Was now{.cooling = view.cooldown_until_ms != 0,
                .cooldowns = view.cooldowns,
                .error = view.status == AccountStatus::kError,
                .open = view.breaker != BreakerState::kClosed,
                .below = view.retreat != Retreat::State::kNormal,
                .health = health.state};
  Was& was = was_[account.name];
  const auto tell = [&](EventKind kind, std::string text) {
    events.add({.unix_ms = unix_ms,
                .kind = kind,
                .account = account.name,
                .backend_id = names.id_of(account.name),
                .client = {},
                .text = std::move(text)});
  };
  const bool another = now.cooling && was.cooling && now.cooldowns > was.cooldowns;
  if (was.cooling && (!now.cooling || another))
    tell(EventKind::kCooldownEnded, "The account's cooldown is over.");
  if (now.cooling && (!was.cooling || another))
    tell(EventKind::kCooldownBegun, cooldown_text(view, unix_ms));
  if (now.error && !was.error)
    tell(EventKind::kAccountError,
         "The provider refused the account's key; it is not used until the key is changed.");
  if (!now.error && was.error && view.status != AccountStatus::kDisabled)
    tell(EventKind::kAccountRecovered, "The account is used again.");
  if (now.open && !was.open)
    tell(EventKind::kBreakerOpened, "The account only failed; nobody is sent there for a while.");
  if (!now.open && was.open) tell(EventKind::kBreakerClosed, "The account answers again.");
  if (now.below && !was.below)
    tell(EventKind::kRetreatBegun,
         fmt::format("The provider answers 429 below the limit; {} of {} requests are used now.",
                     view.capacity, account.rpm_limit));
  if (!now.below && was.below)
    tell(EventKind::kRetreatEnded, "The account uses its whole limit again.");
  // That a first probe finds nothing wrong is no news.
  const bool expected = was.health == Health::kUnknown && now.health == Health::kHealthy;
  if (now.health != was.health && !expected) tell(EventKind::kHealthChanged, health_text(health));
  was = now;
}

void AccountWatch::look_at_unopened(const Directory& directory, const TaggedAccounts& names,
                                    std::int64_t unix_ms, EventRing& events) {
  const auto tell = [&](EventKind kind, const std::string& account, std::string text) {
    events.add({.unix_ms = unix_ms,
                .kind = kind,
                .account = account,
                .backend_id = names.id_of(account),
                .client = {},
                .text = std::move(text)});
  };
  std::set<std::string, std::less<>> unopened;
  for (const UnopenedAccount& account : directory.unopened) {
    unopened.insert(account.name);
    if (!unopened_.contains(account.name))
      tell(EventKind::kAccountError, account.name,
           fmt::format("The account's key does not open ({}); it is not used until it is given its "
                       "key again.",
                       account.why));
  }
  for (const auto& account : directory.accounts) {
    if (unopened_.contains(account->name))
      tell(EventKind::kAccountRecovered, account->name, "The account is used again.");
  }
  unopened_ = std::move(unopened);
}

}  // namespace sluice
