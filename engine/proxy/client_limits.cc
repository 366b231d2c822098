#include "engine/proxy/client_limits.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/units.h"

namespace sluice {
namespace {

// As Go writes durations, which is how OpenAI writes this field: "250ms", "12s", "1m0s".
void add_reset(HeadText& text, std::string_view name, Duration reset) {
  text.add(name).add(": ");
  if (reset < 1s) {
    text.add(ceil_milliseconds(reset)).add("ms\r\n");
    return;
  }
  const std::int64_t seconds = ceil_seconds(reset);
  if (seconds >= 60) text.add(seconds / 60).add("m");
  text.add(seconds % 60).add("s\r\n");
}

// The three fields of one limit, by their whole names.
struct LimitNames {
  std::string_view limit;
  std::string_view remaining;
  std::string_view reset;
};

void add_limit(HeadText& text, const LimitNames& names, const ClientState::Left& left) {
  if (left.limit == 0) return;
  text.field(names.limit, static_cast<std::int64_t>(left.limit));
  text.field(names.remaining, static_cast<std::int64_t>(left.remaining));
  add_reset(text, names.reset, left.reset);
}

std::string_view decimal(Arena& arena, std::uint64_t number) {
  HeadText text(arena, 24);
  return text.add(static_cast<std::int64_t>(number)).take();
}

// What a client is told whose limit is reached.
Answer over_limit(Exchange& exchange, const ClientVerdict& verdict, Instant now) {
  using Kind = ClientVerdict::Kind;
  ClientState& state = *exchange.client_key->state;
  Answer answer{.status = 429, .type = "requests", .code = "rate_limit_exceeded"};
  std::uint64_t limit = state.concurrent_limit();
  std::string_view what = " requests at once";
  if (verdict.kind == Kind::kRequests) {
    limit = state.requests_left(now).limit;
    what = " requests per minute";
  } else if (verdict.kind == Kind::kTokens) {
    limit = state.tokens_left(now).limit;
    what = " tokens per minute";
    answer.type = "tokens";
  }
  answer.message = exchange.arena.join("this client key may use ", decimal(exchange.arena, limit),
                                       what, "; see Retry-After");
  answer.retry_after = std::max<Duration>(verdict.at - now, 1ms);
  return answer;
}

// "$12.50": cents, and smaller parts where there are any.
void add_dollars(HeadText& text, std::uint64_t nano_dollars) {
  constexpr std::size_t kPlaces = 9;
  constexpr std::size_t kCents = 2;
  char fraction[kPlaces];
  std::uint64_t rest = nano_dollars % kNanoPerDollar;
  for (std::size_t place = kPlaces; place > 0; --place, rest /= 10)
    fraction[place - 1] = static_cast<char>('0' + rest % 10);
  std::size_t shown = kPlaces;
  while (shown > kCents && fraction[shown - 1] == '0') --shown;
  text.add("$").add(static_cast<std::int64_t>(nano_dollars / kNanoPerDollar)).add(".");
  text.add(std::string_view(fraction, shown));
}

// Periods end at midnight.
void add_midnight(HeadText& text, std::int64_t unix_ms) {
  namespace chrono = std::chrono;
  const chrono::year_month_day date = chrono::floor<chrono::days>(
      chrono::sys_time<chrono::milliseconds>(chrono::milliseconds(unix_ms)));
  const auto two_digits = [&text](unsigned number) {
    text.add(number < 10 ? "-0" : "-").add(static_cast<std::int64_t>(number));
  };
  text.add(static_cast<std::int64_t>(static_cast<int>(date.year())));
  two_digits(static_cast<unsigned>(date.month()));
  two_digits(static_cast<unsigned>(date.day()));
  text.add("T00:00:00Z");
}

// What a client is told whose budget is spent; nothing while some of it is left. Without
// Retry-After: some obey it however long it is, and none should hang for weeks.
std::optional<Answer> over_budget(Shard& shard, Exchange& exchange) {
  constexpr std::size_t kMessageBytesMax = 192;
  constexpr std::string_view kWhen[kBudgetPeriods] = {" for this day", " for this month", ""};
  const ClientKey* const key = exchange.client_key;
  if (key == nullptr || !key->budget.any()) return std::nullopt;
  const auto [budget, period] = key->budget;
  const std::int64_t unix_ms = shard.unix_ms();
  const std::uint64_t spent = key->spending->spent(period, unix_ms);
  if (spent < budget) return std::nullopt;
  HeadText text(exchange.arena, kMessageBytesMax);
  text.add("this client key has spent ");
  add_dollars(text, spent);
  text.add(" of its budget of ");
  add_dollars(text, budget);
  text.add(kWhen[static_cast<std::size_t>(period)]);
  if (const auto reset = budget_span(period, unix_ms).to_ms) {
    text.add("; it begins anew at ");
    add_midnight(text, *reset);
  } else {
    text.add("; only the gateway's operator can raise it");
  }
  return Answer{.status = 429,
                .type = "insufficient_quota",
                .code = "insufficient_quota",
                .message = text.take(),
                .never_retry = true};
}

}  // namespace

Demand demand_of(const Exchange& exchange) noexcept {
  Demand demand{.prompt = 0, .completion = 0, .patient = is_patient(exchange.priority)};
  if (!exchange.json) return demand;
  demand.prompt = (exchange.body.size() + 3) / 4;
  if (exchange.api == ApiKind::kEmbeddings) demand.completion = 0;
  else demand.completion = std::max(exchange.probe.max_tokens, Demand::kUnknown);
  return demand;
}

OrAnswer<void> enter_client(Shard& shard, Exchange& exchange) {
  if (const auto poor = over_budget(shard, exchange)) {
    exchange.client_pass.refuse();
    return std::unexpected(*poor);
  }
  if (!has_client_limits(exchange)) return {};
  const Instant now = shard.now();
  const ClientVerdict verdict =
      exchange.client_pass.enter(*exchange.client_key->state, demand_of(exchange), now);
  if (verdict.kind == ClientVerdict::Kind::kAdmitted) return {};
  return std::unexpected(over_limit(exchange, verdict, now));
}

void leave_client(Exchange& exchange, Instant now) noexcept {
  // As for accounts: what nobody was asked for, or was turned down, has used none.
  const ExchangeReport& report = exchange.report;
  const std::uint16_t status = report.late_status != 0 ? report.late_status : report.status;
  const bool turned_down = status >= 400 && status < 500 && !report.client_gone;
  const bool none = report.attempts == 0 || turned_down;
  exchange.client_pass.leave(none ? TokensUsed{} : tokens_used(report.usage), now);
}

bool has_client_limits(const Exchange& exchange) noexcept {
  return exchange.client_key != nullptr && exchange.client_key->state != nullptr;
}

void add_client_limits(HeadText& text, const Exchange& exchange, Instant now) noexcept {
  if (!has_client_limits(exchange)) return;
  ClientState& state = *exchange.client_key->state;
  add_limit(text,
            {"x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
             "x-ratelimit-reset-requests"},
            state.requests_left(now));
  add_limit(
      text,
      {"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"},
      state.tokens_left(now));
}

}  // namespace sluice
