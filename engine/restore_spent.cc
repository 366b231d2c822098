#include "engine/restore_spent.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/queries.h"
#include "store/usage_event.h"

namespace sluice {
namespace {

constexpr std::size_t kPage = 1000;

// When the request of that row had left, at the earliest: before this instant, and not in the
// future if somebody has set the clock back.
Instant sent_at(const StoredRequest& row, Instant now, std::int64_t now_unix_ms) {
  const std::int64_t took_ms = static_cast<std::int64_t>(row.latency_us / 1000);
  const std::int64_t ago_ms = now_unix_ms - row.unix_ms + took_ms;
  return now - std::chrono::milliseconds(std::max<std::int64_t>(ago_ms, 0));
}

// All rows since then that an account was asked for, in the order in which they were sent.
StoreResult<std::vector<RequestView>> asked_since(StoreEnvironment& environment,
                                                  RequestFilter filter) {
  filter.every_attempt = true;
  filter.limit = kPage;
  std::vector<RequestView> rows;
  do {
    auto page = recent_requests(environment, filter);
    if (!page) return store_fail(page.error());
    for (RequestView& view : page->requests) {
      if (!view.account.empty()) rows.push_back(std::move(view));
    }
    filter.before = page->next;
  } while (filter.before);
  std::ranges::sort(rows, {}, [](const RequestView& view) {
    return view.row.unix_ms - static_cast<std::int64_t>(view.row.latency_us / 1000);
  });
  return rows;
}

void remember(const Account& account, const RequestView& view, Instant at) {
  account.state->remember(at, view.row.total_tokens, (view.row.flags & kUsageEmergency) != 0);
}

void remember(const ClientKey& client, const RequestView& view, Instant at) {
  const bool last =
      (view.row.flags & kUsageLast) != 0 || view.row.outcome == RequestOutcome::kUnknown;
  if (!last) return;
  TokenReservation reserved;
  const Demand demand{.prompt = view.row.total_tokens, .completion = 0};
  const ClientVerdict verdict = client.state->admit(demand, at, reserved);
  if (verdict.kind != ClientVerdict::Kind::kAdmitted) return;
  client.state->finish(
      reserved, {.total = view.row.total_tokens, .completion = view.row.completion_tokens}, at);
}

// The requests of the day that are older than `window`, of an account with a limit for the day.
StoreResult<void> restore_day(StoreEnvironment& environment, const Account& account, Instant now,
                              std::int64_t now_unix_ms, Duration window) {
  constexpr Duration kDay = 24h;
  RequestFilter filter;
  filter.names.account = account.name;
  filter.from_ms = now_unix_ms - kDay / 1ms;
  const auto rows = asked_since(environment, filter);
  if (!rows) return store_fail(rows.error());
  for (const RequestView& view : *rows) {
    const Instant at = sent_at(view.row, now, now_unix_ms);
    if (at < now - window) remember(account, view, at);
  }
  return {};
}

}  // namespace

StoreResult<std::uint64_t> restore_spent(StoreEnvironment& environment, const Directory& directory,
                                         Instant now, std::int64_t now_unix_ms) {
  std::unordered_map<std::string_view, const Account*> accounts;
  std::unordered_map<std::string_view, const ClientKey*> clients;
  Duration window = ClientState::kWindow;
  for (const auto& account : directory.accounts) {
    accounts.emplace(account->name, account.get());
    window = std::max(window, account->window);
  }
  for (const ClientKey& client : directory.clients) {
    if (client.state != nullptr) clients.emplace(client.name, &client);
  }
  for (const auto& account : directory.accounts) {
    if (account->rpd_limit == 0) continue;
    SL_STORE_TRY(restore_day(environment, *account, now, now_unix_ms, window));
  }
  // A request that took long began long before its row's time.
  constexpr Duration kSlack = 10min;
  RequestFilter filter;
  filter.from_ms = now_unix_ms - (window + kSlack) / 1ms;
  const auto rows = asked_since(environment, filter);
  if (!rows) return store_fail(rows.error());
  std::uint64_t remembered = 0;
  for (const RequestView& view : *rows) {
    const Instant at = sent_at(view.row, now, now_unix_ms);
    if (at < now - window) continue;
    const auto account = accounts.find(view.account);
    if (account != accounts.end()) remember(*account->second, view, at);
    const auto client = clients.find(view.client_key);
    if (client != clients.end()) remember(*client->second, view, at);
    ++remembered;
  }
  return remembered;
}

}  // namespace sluice
