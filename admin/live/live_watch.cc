#include "admin/live/live_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "admin/live/live_text.h"
#include "admin/live/stored_health.h"
#include "admin/routes/times.h"
#include "store/catalog.h"
#include "store/queries.h"

namespace sluice {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

UsageTotals totals_of(const UsageSums& sums) {
  return {.requests = sums.requests,
          .errors = sums.errors,
          .tokens = sums.total_tokens,
          .prompt_tokens = sums.prompt_tokens,
          .completion_tokens = sums.completion_tokens,
          .nano_dollars = sums.cost_nano_dollars,
          .unpriced = sums.unpriced};
}

}  // namespace

void PoolCounts::add(const AccountView& view) noexcept {
  ++total;
  if (view.status != AccountStatus::kDisabled) ++enabled;
  switch (view.status) {
    case AccountStatus::kHealthy: ++(view.failing() ? error : healthy); break;
    case AccountStatus::kCooling: ++cooling; break;
    case AccountStatus::kError: ++error; break;
    case AccountStatus::kDisabled: break;
  }
}

std::shared_ptr<const TaggedAccounts> LiveWatch::names() {
  take_names(gateway_.directory());
  const std::lock_guard lock(mutex_);
  return names_;
}

void LiveWatch::take_names(const std::shared_ptr<const Directory>& directory) {
  {
    const std::lock_guard lock(mutex_);
    if (named_ == directory) return;
  }
  auto names =
      std::make_shared<const TaggedAccounts>(*directory, *gateway_.config(), gateway_.store());
  const std::lock_guard lock(mutex_);
  if (named_ != directory) ++revision_;
  named_ = directory;
  names_ = std::move(names);
}

LiveFigures LiveWatch::look() {
  LiveFigures figures;
  figures.directory = gateway_.directory();
  take_names(figures.directory);
  figures.now = gateway_.clock().now();
  figures.unix_ms = gateway_.clock().unix_ms();
  figures.uptime_s = std::chrono::duration<double>(figures.now - gateway_.started_at()).count();
  figures.draining = gateway_.draining();
  figures.accounts.reserve(figures.directory->accounts.size());
  for (const auto& account : figures.directory->accounts) {
    const AccountView& view =
        figures.accounts.emplace_back(view_account(*account, figures.now, figures.unix_ms));
    figures.pools[account->pool == Pool::kFallback].add(view);
  }
  for (const UnopenedAccount& account : figures.directory->unopened) {
    const AccountView& view =
        figures.unopened.emplace_back(view_unopened(account, figures.now, figures.unix_ms));
    figures.pools[account.pool == Pool::kFallback].add(view);
  }
  figures.queue = gateway_.queue();
  const WaitQueue& queue = std::as_const(gateway_.dispatcher()).queue();
  for (std::size_t i = 0; i < kPriorities; ++i)
    figures.waiting[i] = queue.depth(static_cast<Priority>(i));
  return figures;
}

std::shared_ptr<const std::string> LiveWatch::tick(bool wanted) {
  const std::lock_guard tick_lock(tick_mutex_);
  if (StoreEnvironment* const store = gateway_.store(); store != nullptr && !told_start_)
    read_health(*store, health_);
  LiveFigures figures = look();
  const std::vector<ShardFigures> shards = gateway_.shards();
  const std::uint64_t waiting =
      std::accumulate(figures.waiting.begin(), figures.waiting.end(), std::uint64_t{0});
  figures.traffic = traffic_.take(shards, waiting, figures.now);
  success_.take(shards, *figures.directory, figures.now, health_);
  tell_events(figures);
  remember(figures);
  if (!wanted) return nullptr;
  take_sums(figures);
  figures.last_event_id = events_.last_id();
  {
    const std::lock_guard lock(mutex_);
    figures.revision = revision_;
  }
  list_accounts(figures.directory);
  constexpr std::size_t kAccountBytes = 400;
  auto text = std::make_shared<std::string>();
  text->reserve(4096 + account_parts_.size() * kAccountBytes);
  *text += "data: ";
  append_snapshot(*text, figures, account_parts_, by_name_, health_);
  *text += "\n\n";
  return text;
}

void LiveWatch::list_accounts(const std::shared_ptr<const Directory>& directory) {
  if (listed_ == directory) return;
  const std::shared_ptr<const TaggedAccounts> known = names();
  std::vector<std::string_view> names;
  account_parts_.clear();
  for (const auto& account : directory->accounts) {
    account_parts_.push_back(account_part(*account, *known));
    names.push_back(account->name);
  }
  for (const UnopenedAccount& account : directory->unopened) {
    account_parts_.push_back(account_part(account, *known));
    names.push_back(account.name);
  }
  by_name_.resize(names.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  std::ranges::sort(by_name_, {}, [&names](std::uint32_t i) { return names[i]; });
  listed_ = directory;
}

void LiveWatch::take_sums(LiveFigures& figures) {
  figures.today_date = rfc3339_text(figures.unix_ms).substr(0, 10);
  StoreEnvironment* const store = gateway_.store();
  figures.stored = store != nullptr;
  if (store == nullptr) return;
  if (const auto all = usage_total(*store)) figures.all = totals_of(*all);
  const auto day = static_cast<std::uint32_t>(figures.unix_ms / kDayMs);
  UsageSums today;
  if (const auto days = daily_usage(*store, day, day)) {
    for (const DailyUsage& pool : *days) static_cast<void>(today.add(pool.sums));
  }
  figures.today = totals_of(today);
}

void LiveWatch::tell_events(const LiveFigures& figures) {
  const auto tell = [this, &figures](EventKind kind, std::string text, EventValues values = {}) {
    events_.add({.unix_ms = figures.unix_ms,
                 .kind = kind,
                 .account = {},
                 .backend_id = {},
                 .client = {},
                 .text = std::move(text),
                 .values = std::move(values)});
  };
  if (!told_start_)
    tell(EventKind::kStarted, "The gateway has started, version " SLUICE_VERSION ".",
         {{"version", SLUICE_VERSION}});
  told_start_ = true;
  if (figures.draining && !told_drain_)
    tell(EventKind::kDraining, "The gateway drains: it ends what runs, and then itself.");
  told_drain_ = figures.draining;
  const std::optional<StoreNumbers> store = gateway_.store_numbers();
  const bool trouble = store && store->failing;
  if (trouble && !told_trouble_)
    tell(EventKind::kStoreTrouble,
         "The store takes nothing; journals keep what comes. See the log.");
  if (!trouble && told_trouble_) tell(EventKind::kStoreRecovered, "The store works again.");
  told_trouble_ = trouble;
  if (const auto backup = store ? store->backup_unix_ms : std::nullopt; backup) {
    if (told_backup_ms_ && *backup > *told_backup_ms_)
      tell(EventKind::kBackup, "The store was copied; see the backups' directory.");
    told_backup_ms_ = *backup;
  }
  const std::shared_ptr<const TaggedAccounts> known = names();
  for (std::size_t i = 0; i < figures.accounts.size(); ++i)
    account_watch_.look(*figures.directory->accounts[i], figures.accounts[i],
                        health_.find(figures.directory->accounts[i]->name), *known, figures.unix_ms,
                        events_);
  for (const UnopenedAccount& account : figures.directory->unopened)
    account_watch_.look(account, *known, figures.unix_ms, events_);
}

void LiveWatch::store_health() {
  if (gateway_.store() == nullptr) return;
  const auto changes = health_.take_changes();
  if (changes.empty()) return;
  gateway_.write_store([&changes](Writer& writer) { write_health(writer, changes); });
}

void LiveWatch::remember(const LiveFigures& figures) {
  const std::lock_guard lock(mutex_);
  points_.push_back({static_cast<double>(figures.unix_ms) / 1000, figures.traffic});
  if (points_.size() > kHistory) points_.pop_front();
}

std::vector<const LiveWatch::Point*> LiveWatch::seconds() const {
  if (points_.empty()) return {};
  const double end = points_.back().at;
  const auto before_end = [end](const Point& point) {
    return static_cast<std::size_t>(std::max(std::lround(end - point.at), 0L));
  };
  const std::size_t size = std::min(kHistory, before_end(points_.front()) + 1);
  std::vector<const Point*> out(size, nullptr);
  for (const Point& point : points_) {
    const std::size_t back = before_end(point);
    if (back >= size) continue;
    const std::size_t i = size - 1 - back;
    out[i] = &point;
    if (i >= 2 && out[i - 1] == nullptr && out[i - 2] != nullptr) out[i - 1] = &point;
  }
  return out;
}

std::string LiveWatch::history() const {
  const std::lock_guard lock(mutex_);
  const std::vector<const Point*> all = seconds();
  std::string out = fmt::format(R"({{"end":{:.3f},"step_seconds":1,"series":{{)",
                                points_.empty() ? 0.0 : points_.back().at);
  bool first = true;
  const auto series = [&all, &out, &first](std::string_view name, const auto& value_of) {
    out += fmt::format(R"({}"{}":[)", first ? "" : ",", name);
    first = false;
    for (const Point* const point : all) {
      append_number(
          out, point == nullptr ? std::nullopt : std::optional<double>(value_of(point->traffic)));
      out += ',';
    }
    if (!all.empty()) out.pop_back();
    out += ']';
  };
  using T = TrafficPoint;
  series("requests", [](const T& t) { return t.requests; });
  series("errors", [](const T& t) { return t.errors; });
  series("tokens", [](const T& t) { return t.prompt_tokens + t.completion_tokens; });
  series("waiting", [](const T& t) { return static_cast<double>(t.waiting); });
  series("inflight", [](const T& t) { return static_cast<double>(t.in_flight); });
  series("overhead_p50_us", [](const T& t) { return t.overhead_us.p50; });
  series("overhead_p99_us", [](const T& t) { return t.overhead_us.p99; });
  series("ttft_p50_ms", [](const T& t) { return t.first_token_ms.p50; });
  series("ttft_p99_ms", [](const T& t) { return t.first_token_ms.p99; });
  return out + "}}\n";
}

}  // namespace sluice
