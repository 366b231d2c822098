#include "admin/live/live_text.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <nlohmann/json.hpp>

#include "admin/routes/times.h"

namespace sluice {
namespace {

template <class... Args>
void add(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Null for 0.
void append_time(std::string& out, std::int64_t unix_ms) {
  if (unix_ms == 0) out += "null";
  else add(out, "\"{}\"", rfc3339_text(unix_ms));
}

template <class OneAccount>
std::string part_of(const OneAccount& account, std::size_t models, const TaggedAccounts& names) {
  const AccountTags* const tags = names.find(account.name);
  const std::string_view label = tags == nullptr ? std::string_view() : tags->label;
  return fmt::format(
      R"({{"id":"{}","name":{},"label":{},"pool":"{}","enabled":{},"rpm_limit":{},"model_count":{},)",
      names.id_of(account.name), json_text(account.name), json_text(label), pool_text(account.pool),
      account.enabled, account.rpm_limit, models);
}

constexpr double kNanoDollars = 1e9;

void append_pool(std::string& out, const PoolCounts& counts) {
  add(out, R"({{"total":{},"enabled":{},"healthy":{},"cooling":{},"error":{}}})", counts.total,
      counts.enabled, counts.healthy, counts.cooling, counts.error);
}

void append_percentiles(std::string& out, std::string_view name,
                        const TrafficPoint::Percentiles& values) {
  add(out, R"(,"{}":{{"p50":)", name);
  append_number(out, values.p50);
  out += R"(,"p99":)";
  append_number(out, values.p99);
  out += '}';
}

void append_traffic(std::string& out, const TrafficPoint& traffic) {
  add(out, R"("requests":{{"total":{},"inflight":{},"per_second":{:.3f}}})", traffic.requests_total,
      traffic.in_flight, traffic.requests);
  add(out, R"(,"errors":{{"total":{},"per_second":{:.3f}}})", traffic.errors_total, traffic.errors);
  add(out, R"(,"tokens":{{"prompt_per_second":{:.3f},"completion_per_second":{:.3f}}})",
      traffic.prompt_tokens, traffic.completion_tokens);
  add(out, R"(,"latency":{{"window_seconds":{},"count":{})", TrafficWindow::kSeconds,
      traffic.count);
  append_percentiles(out, "overhead_us", traffic.overhead_us);
  append_percentiles(out, "ttft_ms", traffic.first_token_ms);
  append_percentiles(out, "duration_ms", traffic.duration_ms);
  out += '}';
}

void append_sums(std::string& out, const LiveFigures& figures) {
  const UsageTotals& all = figures.all;
  add(out,
      R"("total":{{"total_requests":{},"total_errors":{},"total_tokens":{},)"
      R"("total_prompt_tokens":{},"total_completion_tokens":{},"total_cost":{:.9f}}})",
      all.requests, all.errors, all.tokens, all.prompt_tokens, all.completion_tokens,
      static_cast<double>(all.nano_dollars) / kNanoDollars);
  const UsageTotals& today = figures.today;
  add(out,
      R"(,"today":{{"date":"{}","requests":{},"errors":{},"tokens":{},"cost":{:.9f},)"
      R"("unpriced":{}}})",
      figures.today_date, today.requests, today.errors, today.tokens,
      static_cast<double>(today.nano_dollars) / kNanoDollars, today.unpriced);
}

}  // namespace

void append_number(std::string& out, const std::optional<double>& value) {
  if (value) add(out, "{:.3f}", *value);
  else out += "null";
}

void append_per_priority(std::string& out, const std::array<std::uint64_t, kPriorities>& counts) {
  out += '{';
  for (std::size_t i = 0; i < kPriorities; ++i)
    add(out, R"({}"{}":{})", i == 0 ? "" : ",", kPriorityNames[i], counts[i]);
  out += '}';
}

std::string account_part(const Account& account, const TaggedAccounts& names) {
  return part_of(account, account.models.size(), names);
}

std::string account_part(const UnopenedAccount& account, const TaggedAccounts& names) {
  return part_of(account, account.models, names);
}

void append_account(std::string& out, const AccountView& view, Health health,
                    std::int64_t unix_ms) {
  constexpr std::int64_t kErrorShownMs = 3'600'000;
  add(out, R"("status":"{}","cooldown_until":)",
      kAccountStatusNames[static_cast<std::size_t>(view.status)]);
  append_time(out, view.cooldown_until_ms);
  if (view.hold_until_ms != 0) {
    out += R"(,"hold_until":)";
    append_time(out, view.hold_until_ms);
  }
  add(out,
      R"(,"consecutive_429_count":{},"inflight":{},"rate_limiter":{{"tokens":{},"capacity":{},)"
      R"("rate_per_minute":{:.6g},"utilization":{:.4g}}})",
      view.cooldowns, view.in_flight, view.tokens, view.capacity, view.rate_per_minute,
      view.utilization());
  if (view.token_limit)
    add(out, R"(,"token_limiter":{{"tokens":{},"capacity":{}}})", view.token_limit->tokens,
        view.token_limit->capacity);
  if (view.retreat != Retreat::State::kNormal)
    add(out, R"(,"retreat":{{"state":"{}","effective_rpm":{}}})",
        kRetreatNames[static_cast<std::size_t>(view.retreat)], view.capacity);
  if (view.breaker != BreakerState::kClosed) {
    add(out, R"(,"breaker":{{"state":"{}","failures":{},"open_until":)",
        kBreakerNames[static_cast<std::size_t>(view.breaker)], view.failures);
    append_time(out, view.breaker_open_until);
    out += '}';
  }
  // What an account is in error for, or only fails with, is shown for as long as it does.
  const bool lasts = view.status == AccountStatus::kError || view.failing();
  if (view.last_fault && (lasts || view.last_fault->at_ms > unix_ms - kErrorShownMs))
    add(out, R"(,"last_error":{{"at":"{}","status":{},"kind":"{}","summary":{}}})",
        rfc3339_text(view.last_fault->at_ms), view.last_fault->status, view.last_fault->kind,
        json_text(view.last_fault->summary));
  if (health != Health::kHealthy)
    add(out, R"(,"health":"{}")", kHealthNames[static_cast<std::size_t>(health)]);
  out += '}';
}

void append_queue(std::string& out, const LiveFigures& figures) {
  std::uint64_t depth = 0;
  for (const std::uint64_t some : figures.waiting) depth += some;
  const Instant oldest = figures.queue->oldest;
  add(out, R"({{"depth":{},"capacity":{},"oldest_wait_ms":{},"per_priority":)", depth,
      figures.directory->routing.queue.capacity,
      depth == 0 || oldest == Instant{} ? 0
                                        : std::max<std::int64_t>(0, (figures.now - oldest) / 1ms));
  append_per_priority(out, figures.waiting);
  out += '}';
}

void append_token_bucket(std::string& out, const LiveFigures& figures) {
  std::uint64_t tokens = 0, capacity = 0;
  double rate = 0;
  for (std::size_t i = 0; i < figures.accounts.size(); ++i) {
    const Account& account = *figures.directory->accounts[i];
    if (!account.enabled || account.pool != Pool::kPrimary) continue;
    const AccountView& view = figures.accounts[i];
    if (view.usable()) tokens += view.tokens;
    capacity += view.capacity;
    rate += view.rate_per_minute;
  }
  for (std::size_t i = 0; i < figures.unopened.size(); ++i) {
    const UnopenedAccount& account = figures.directory->unopened[i];
    if (account.enabled && account.pool == Pool::kPrimary) capacity += account.rpm_limit;
  }
  const double used =
      capacity == 0 ? 0 : 1 - static_cast<double>(tokens) / static_cast<double>(capacity);
  add(out, R"({{"tokens":{},"capacity":{},"rate_per_minute":{:.6g},"utilization":{:.4g}}})", tokens,
      capacity, rate, used);
}

void append_retreat(std::string& out, const LiveFigures& figures) {
  std::size_t below = 0;
  std::uint64_t effective = 0, base = 0;
  Retreat::State worst = Retreat::State::kNormal;
  for (std::size_t i = 0; i < figures.accounts.size(); ++i) {
    const Account& account = *figures.directory->accounts[i];
    if (!account.enabled) continue;
    const AccountView& view = figures.accounts[i];
    if (view.retreat != Retreat::State::kNormal) {
      ++below;
      if (worst != Retreat::State::kRetreat) worst = view.retreat;
    }
    effective += view.capacity;
    base += account.rpm_limit;
  }
  add(out, R"({{"state":"{}","accounts":{},"effective_rpm":{},"base_rpm":{}}})",
      kRetreatNames[static_cast<std::size_t>(worst)], below, effective, base);
}

void append_snapshot(std::string& out, const LiveFigures& figures,
                     std::span<const std::string> parts, std::span<const std::uint32_t> order,
                     const HealthBoard& health) {
  add(out,
      R"({{"type":"snapshot","timestamp":{:.3f},"uptime_seconds":{:.3f},"version":"{}",)"
      R"("draining":{},"stored":{},"revision":{},"last_event_id":{},"pool":{{"primary":)",
      static_cast<double>(figures.unix_ms) / 1000, figures.uptime_s, SLUICE_VERSION,
      figures.draining, figures.stored, figures.revision, figures.last_event_id);
  append_pool(out, figures.pools[0]);
  out += R"(,"fallback":)";
  append_pool(out, figures.pools[1]);
  out += "},";
  append_sums(out, figures);
  out += ',';
  append_traffic(out, figures.traffic);
  out += R"(,"queue":)";
  append_queue(out, figures);
  out += R"(,"token_bucket":)";
  append_token_bucket(out, figures);
  out += R"(,"retreat":)";
  append_retreat(out, figures);
  out += R"(,"backends":[)";
  bool first = true;
  for (const std::uint32_t i : order) {
    if (!first) out += ',';
    first = false;
    out += parts[i];
    const std::size_t opened = figures.accounts.size();
    if (i >= opened) {  // which nobody probes
      append_account(out, figures.unopened[i - opened], Health::kUnknown, figures.unix_ms);
      continue;
    }
    append_account(out, figures.accounts[i],
                   health.find(figures.directory->accounts[i]->name).state, figures.unix_ms);
  }
  out += "]}";
}

}  // namespace sluice
