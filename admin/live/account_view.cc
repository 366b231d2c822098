#include "admin/live/account_view.h"

#include <algorithm>
#include <chrono>

#include "admin/account_condition.h"
#include "engine/proxy/ask_account.h"
#include "engine/route/ladder.h"

namespace sluice {
namespace {

AccountStatus status_of(const Account& account, Instant now) {
  switch (condition_of(account, now)) {
    case AccountCondition::kDisabled: return AccountStatus::kDisabled;
    case AccountCondition::kError: return AccountStatus::kError;
    case AccountCondition::kCooling: return AccountStatus::kCooling;
    case AccountCondition::kFailing:  // its breaker is told apart
    case AccountCondition::kHealthy: break;
  }
  return AccountStatus::kHealthy;
}

struct FaultWords {
  std::string_view kind, summary;
};

FaultWords words_of(const LastFault::Seen& fault) {
  switch (static_cast<TryOutcome>(fault.kind)) {
    case TryOutcome::kRateLimited:
      return {"rate_limited", "the provider answered 429: its limit is used up"};
    case TryOutcome::kAuthRejected: return {"key_refused", "the provider refused the key"};
    case TryOutcome::kServerError:
      // Without a head, or behind one that was no such error.
      if (judge_status(fault.status).outcome != TryOutcome::kServerError)
        return {"broken_off", "the provider broke the connection off"};
      return {"server_error", "the provider answered with an error of its own"};
    case TryOutcome::kConnectFailed: return {"connect_failed", "the provider could not be reached"};
    case TryOutcome::kTimedOut: return {"timed_out", "the provider did not answer in time"};
    case TryOutcome::kServed:
    case TryOutcome::kClientFault:
    case TryOutcome::kClientGone: break;
  }
  return {"failed", "the provider failed"};
}

}  // namespace

AccountView view_account(const Account& account, Instant now, std::int64_t unix_ms) {
  AccountState& state = *account.state;
  const auto in_unix_ms = [now, unix_ms](Instant at) { return unix_ms + (at - now) / 1ms; };
  AccountView view;
  view.status = status_of(account, now);
  if (view.status == AccountStatus::kCooling && state.cooldown().running(now))
    view.cooldown_until_ms = in_unix_ms(state.cooldown().until());
  if (view.status == AccountStatus::kCooling && state.on_hold(now))
    view.hold_until_ms = in_unix_ms(state.hold_until());
  view.cooldowns = state.cooldown().count();
  view.capacity = state.limit();
  view.tokens = std::min(state.available(now), view.capacity);
  const double window = std::chrono::duration<double>(account.window).count();
  view.rate_per_minute = window > 0 ? view.capacity * 60.0 / window : 0;
  view.in_flight = state.in_flight();
  if (const auto level = state.token_level(now)) {
    view.token_limit = {
        static_cast<std::int64_t>(level->limit) - static_cast<std::int64_t>(level->used),
        level->limit};
  }
  view.retreat = state.effective().state();
  const BreakerWord breaker = state.breaker().read();
  view.breaker = breaker.state(now);
  view.failures = breaker.failures;
  if (view.breaker == BreakerState::kOpen)
    view.breaker_open_until = in_unix_ms(breaker.passable_from());
  if (const LastFault::Seen fault = state.last_fault().read(); fault.any)
    view.last_fault = AccountView::Fault{in_unix_ms(fault.at), fault.status, words_of(fault).kind,
                                         words_of(fault).summary};
  return view;
}

AccountView view_unopened(const UnopenedAccount& account, Instant now, std::int64_t unix_ms) {
  AccountView view;
  view.status = account.enabled ? AccountStatus::kError : AccountStatus::kDisabled;
  view.capacity = account.rpm_limit;
  view.last_fault =
      AccountView::Fault{unix_ms + (account.found_at - now) / 1ms, 0, "unopened", account.why};
  return view;
}

}  // namespace sluice
