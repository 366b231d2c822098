#include "engine/restore_spent.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/latest_stamps.h"
#include "store/names.h"
#include "store/queries.h"
#include "store/usage_event.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr Duration kDay = 24h;
// How late a request may leave after its connection is there: a provider's longest stall
// (engine/proxy/send_request.cc).
constexpr Duration kUploadMost = 30s;
// Rows of a clock that runs evenly may be so far ahead: it was adjusted in between, by NTP.
constexpr std::int64_t kAheadMs = 1000;

Duration window_of(const Account& account, const Directory& directory) noexcept {
  return account.window + directory.routing.guard;
}

// SpentRestore - one restore_spent().
class SpentRestore {
 public:
  SpentRestore(StoreEnvironment& environment, Instant now, std::int64_t now_unix_ms)
      : environment_(&environment), now_(now), now_ms_(now_unix_ms) {}

  StoreResult<RestoredSpent> run(const Directory& directory) {
    SL_STORE_TRY(find_numbers(directory));
    if (any_day_) SL_STORE_TRY(restore_days());
    // A row's time is its end's, which is in the window if anything of it is; of one without end
    // it is its begin's.
    reach_ = spent_reach(directory);
    const std::int64_t reach_ms = reach_ / 1ms;
    SL_STORE_TRY(each_request(
        *environment_, now_ms_ - reach_ms, now_ms_ + kAheadMs,
        [this](const RequestKey&, const StoredRequest& row) { look_at(row, std::nullopt); }));
    SL_STORE_TRY(restore_ahead());
    for (auto& [number, one] : accounts_) remember_requests(one);
    for (auto& [number, one] : clients_) {
      for (const auto& stamp : one.stamps.take()) one.client->state->remember_request(stamp.at);
    }
    return found_;
  }

 private:
  struct SpentAccount {
    const Account* account;
    Instant horizon;  // from here on requests count; tokens a cell longer
    LatestStamps stamps;
  };
  struct SpentClient {
    const ClientKey* client;
    LatestStamps stamps;
  };

  StoreResult<void> find_numbers(const Directory& directory) {
    const auto transaction = environment_->read();
    if (!transaction) return store_fail(transaction.error());
    for (const auto& account : directory.accounts) {
      const Duration window = window_of(*account, directory);
      any_day_ = any_day_ || account->rpd_limit != 0;
      const auto number = find_name(*transaction, NameKind::kOurs, account->name);
      if (!number) return store_fail(number.error());
      const LatestStamps stamps(account->state->requests_max());
      if (*number) accounts_.emplace(**number, SpentAccount{account.get(), now_ - window, stamps});
    }
    for (const ClientKey& client : directory.clients) {
      if (client.state == nullptr) continue;
      const auto number = find_name(*transaction, NameKind::kOurs, client.name);
      if (!number) return store_fail(number.error());
      const LatestStamps stamps(client.state->requests_max());
      if (*number) clients_.emplace(**number, SpentClient{&client, stamps});
    }
    return {};
  }

  // Sums, not rows: those may have been pruned since, and are many. Hours ahead of the clock: see
  // the header.
  StoreResult<void> restore_days() {
    const std::uint32_t last_hour = hour_of(now_ms_ + kDay / 1ms);
    return each_hour(*environment_, hour_of(now_ms_ - kDay / 1ms),
                     [&](const HourlyKey& key, const UsageSums& sums) {
                       const auto found = accounts_.find(key.account);
                       if (found == accounts_.end() || key.hour > last_hour) return;
                       const std::int64_t end_ms = (std::int64_t{key.hour} + 1) * kHourMs;
                       found->second.account->state->remember_day(sums.attempts, at(end_ms));
                     });
  }

  // Rows dated later than now.
  StoreResult<void> restore_ahead() {
    const auto latest = latest_request_ms(*environment_);
    if (!latest) return store_fail(latest.error());
    if (!*latest || **latest <= now_ms_ + kAheadMs) return {};
    const auto dated = latest_of_journals(*environment_, now_ms_ + kAheadMs);
    if (!dated) return store_fail(dated.error());
    const std::int64_t from_ms = std::max(now_ms_ + kAheadMs + 1, **latest - reach_ / 1ms);
    return each_request(*environment_, from_ms, **latest,
                        [&](const RequestKey& key, const StoredRequest& row) {
                          ++found_.ahead;
                          const auto since = dated->find(key.journal);
                          if (since == dated->end() || since->second.sequence < key.sequence)
                            return look_at(row, now_);
                          look_at(row, at(static_cast<std::int64_t>(since->second.unix_ms)));
                        });
  }

  // The instant of a time in milliseconds, which it rounds up; not later than now.
  [[nodiscard]] Instant at(std::int64_t unix_ms) const noexcept {
    return now_ - milliseconds(std::max<std::int64_t>(now_ms_ - unix_ms - 1, 0));
  }

  // `all_at`: of a row with a date that means nothing.
  void look_at(const StoredRequest& row, std::optional<Instant> all_at) {
    ++found_.requests;
    const bool ended = row.outcome == RequestOutcome::kEnded;
    const Instant end = all_at.value_or(at(row.unix_ms));
    const auto before = [&](std::uint64_t us) {
      const auto ms = static_cast<std::int64_t>(us / 1000);
      return all_at.value_or(at(row.unix_ms - ms));
    };
    const std::uint64_t latency_us = ended ? row.latency_us : 0;
    const Instant began = before(latency_us);
    if (const auto found = accounts_.find(row.account); found != accounts_.end()) {
      const auto delay = milliseconds(row.sent_ms);
      const Duration late = found->second.account->timeouts.connect + kUploadMost;
      add_to(found->second, row, std::min(now_, began + (ended ? delay : late)), began, end);
    }
    if (const auto found = clients_.find(row.client_key); found != clients_.end())
      add_to(found->second, row, before(latency_us + row.queue_us), began, end);
  }

  void add_to(SpentAccount& one, const StoredRequest& row, Instant sent, Instant began,
              Instant end) {
    const bool asked = row.outcome != RequestOutcome::kRefused;
    if (!asked || (row.flags & kUsageUnsent) != 0) return;
    const bool emergency = (row.flags & kUsageEmergency) != 0;
    if (sent >= one.horizon) one.stamps.add({sent, emergency});
    const bool told = row.outcome == RequestOutcome::kEnded && (row.flags & kUsageReserved) == 0;
    const Instant horizon = one.horizon - TokenWindow::cell_width(now_ - one.horizon);
    count_tokens(*one.account->state, {row.reserved_tokens, row.total_tokens, told},
                 {horizon, began, end});
  }

  // Each request once: at its first attempt, or when it was refused without any.
  void add_to(SpentClient& one, const StoredRequest& row, Instant admitted, Instant began,
              Instant end) {
    constexpr Duration kWindow = ClientState::kWindow;
    const bool refused = row.outcome == RequestOutcome::kRefused;
    const bool is_first = row.attempt == (refused ? 0 : 1);
    const bool counts = is_first && (row.flags & kUsageOverLimit) == 0;
    if (counts && admitted >= now_ - kWindow) one.stamps.add({.at = admitted});
    const bool told = row.outcome != RequestOutcome::kUnknown;
    count_tokens(*one.client->state, {row.client_reserved_tokens, row.total_tokens, told},
                 {now_ - kWindow - TokenWindow::cell_width(kWindow), began, end});
  }

  struct Tokens {
    std::uint64_t reserved;
    std::uint64_t used;
    bool told;  // `used` is what counted in the end
  };
  struct Times {
    Instant horizon;
    Instant began;
    Instant end;
  };
  template <class State>
  static void count_tokens(State& state, const Tokens& tokens, const Times& times) {
    const std::uint64_t at_begin = tokens.told ? std::min(tokens.reserved, tokens.used)
                                               : std::max(tokens.reserved, tokens.used);
    if (times.began >= times.horizon) state.remember_tokens(at_begin, times.began);
    if (times.end >= times.horizon && tokens.used > at_begin)
      state.remember_tokens(tokens.used - at_begin, times.end);
  }

  static void remember_requests(SpentAccount& one) {
    const bool dropped = one.stamps.dropped();
    const auto latest = one.stamps.take();
    if (latest.empty()) return;
    AccountState& state = *one.account->state;
    state.remember_requests_from(dropped ? latest.front().at : one.horizon);
    for (const auto& stamp : latest) state.remember_request(stamp.at, stamp.emergency);
  }

  StoreEnvironment* environment_;
  Instant now_;
  std::int64_t now_ms_;
  Duration reach_{};
  bool any_day_ = false;
  std::unordered_map<std::uint32_t, SpentAccount> accounts_;  // by the number of their names
  std::unordered_map<std::uint32_t, SpentClient> clients_;
  RestoredSpent found_;
};

}  // namespace

Duration spent_reach(const Directory& directory) noexcept {
  Duration window = ClientState::kWindow;  // the longest
  Duration late{};                         // what has no end may have left so late
  for (const auto& account : directory.accounts) {
    window = std::max(window, window_of(*account, directory));
    late = std::max(late, account->timeouts.connect + kUploadMost);
  }
  return window + TokenWindow::cell_width(window) + late;
}

StoreResult<RestoredSpent> restore_spent(StoreEnvironment& environment, const Directory& directory,
                                         Instant now, std::int64_t now_unix_ms) {
  return SpentRestore(environment, now, now_unix_ms).run(directory);
}

}  // namespace sluice
