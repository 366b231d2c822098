#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "base/draw.h"
#include "engine/cli/simulate.h"

namespace sluice {
namespace {

struct EndingRow {
  SimEnding ending;
  std::string_view name;  // in JSON
  std::string_view text;
};

constexpr EndingRow kEndingRows[] = {
    {SimEnding::kServed, "served", "served"},
    {SimEnding::kQueueFull, "queue_full", "refused: queue full (429)"},
    {SimEnding::kQueueTimeout, "queue_timeout", "refused: waited too long (429)"},
    {SimEnding::kNothingFree, "all_pools_exhausted", "refused: no account free (503)"},
    {SimEnding::kRateLimited, "provider_rate_limited", "the provider's 429 passed on"},
    {SimEnding::kProviderFailed, "provider_failed", "the provider's error passed on"},
    {SimEnding::kProviderTimeout, "provider_timeout", "no answer in time (504)"},
    {SimEnding::kUnknownModel, "unknown_model", "no account for the model (404)"},
    {SimEnding::kClientGone, "client_gone", "the client left before"},
};
static_assert(std::size(kEndingRows) == kSimEndings);

double percent(double part, double whole) { return whole == 0 ? 0 : 100 * part / whole; }

std::string span_text(Duration span) {
  const double s = in_seconds(span);
  if (s == 0) return "0";
  if (s < 1) return fmt::format("{:.3g}ms", s * 1e3);
  return s < 100 ? fmt::format("{:.3g}s", s) : fmt::format("{:.0f}s", s);
}

template <class... Args>
void line(std::string& text, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
  text += '\n';
}

void count_line(std::string& text, std::string_view what, std::uint64_t ours, std::uint64_t plain,
                const SimulateResult& result) {
  if (ours == 0 && plain == 0) return;
  line(text, "{:<34}{:>12} {:>7.2f} %{:>14} {:>7.2f} %", what, ours,
       percent(static_cast<double>(ours), static_cast<double>(result.ours.offered)), plain,
       percent(static_cast<double>(plain), static_cast<double>(result.plain.offered)));
}

void wait_lines(std::string& text, const SimulateResult& result) {
  line(text, "\n{:<14}{:>10}{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}", "waits", "offered", "served",
       "mean", "p50", "p95", "p99", "max");
  for (std::size_t rank = 0; rank < kPriorities; ++rank) {
    const Tally::OfPriority& of = result.ours.priorities[rank];
    if (of.offered == 0) continue;
    line(text, "{:<14}{:>10}{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}", kPriorityNames[rank], of.offered,
         of.served, span_text(of.waits.mean()), span_text(of.waits.quantile(0.5)),
         span_text(of.waits.quantile(0.95)), span_text(of.waits.quantile(0.99)),
         span_text(of.waits.max()));
  }
}

void account_lines(std::string& text, const SimulateResult& result) {
  line(text, "\n{:<20}{:>12}{:>12}{:>10}{:>10}{:>18}", "accounts", "sent", "of limit", "429",
       "failed", "429, round robin");
  for (std::size_t i = 0; i < result.ours.accounts.size(); ++i) {
    const Tally::OfAccount& of = result.ours.accounts[i];
    line(text, "{:<20}{:>12}{:>10.1f} %{:>10}{:>10}{:>18}", of.name, of.sent,
         percent(static_cast<double>(of.sent), result.room[i]), of.rate_limited, of.failed,
         result.plain.accounts[i].rate_limited);
  }
}

std::string tally_json(const Tally& tally, const SimulateResult& result) {
  std::string text =
      fmt::format("{{\"offered\":{},\"attempts\":{},\"endings\":{{", tally.offered, tally.attempts);
  for (const EndingRow& row : kEndingRows) {
    text += fmt::format("{}\"{}\":{}", row.ending == SimEnding::kServed ? "" : ",", row.name,
                        tally.count(row.ending));
  }
  text += fmt::format("}},\"degraded\":{{\"fallback\":{},\"emergency\":{}}},\"rate_limited\":{},",
                      tally.fallback, tally.emergency, tally.rate_limited());
  text += "\"waits\":{";
  for (std::size_t rank = 0; rank < kPriorities; ++rank) {
    const Tally::OfPriority& of = tally.priorities[rank];
    text += fmt::format(
        "{}\"{}\":{{\"offered\":{},\"served\":{},\"mean_s\":{:.6f},\"p50_s\":{:.6f},"
        "\"p95_s\":{:.6f},\"p99_s\":{:.6f},\"max_s\":{:.6f}}}",
        rank == 0 ? "" : ",", kPriorityNames[rank], of.offered, of.served,
        in_seconds(of.waits.mean()), in_seconds(of.waits.quantile(0.5)),
        in_seconds(of.waits.quantile(0.95)), in_seconds(of.waits.quantile(0.99)),
        in_seconds(of.waits.max()));
  }
  text += fmt::format(
      "}},\"queue_depth_max\":{},\"cost_dollars\":{:.6f},\"primary_wait\":{{\"enter\":{},"
      "\"recovery\":{},\"exhausted\":{}}},\"retries_denied\":{},\"accounts\":[",
      tally.depth_max, tally.cost_dollars(), tally.ladder.primary_wait_enter,
      tally.ladder.primary_wait_recovery, tally.ladder.primary_wait_exhausted,
      tally.retries_denied);
  for (std::size_t i = 0; i < tally.accounts.size(); ++i) {
    const Tally::OfAccount& of = tally.accounts[i];
    text += fmt::format(
        "{}{{\"name\":\"{}\",\"sent\":{},\"limit\":{:.0f},\"served\":{},\"rate_limited\":{},"
        "\"failed\":{}}}",
        i == 0 ? "" : ",", of.name, of.sent, result.room[i], of.served, of.rate_limited, of.failed);
  }
  return text + "]}";
}

}  // namespace

std::string simulate_text(const SimulateResult& result) {
  const Tally& ours = result.ours;
  const Tally& plain = result.plain;
  double room = 0;
  for (const double of_account : result.room) room += of_account;
  std::string text;
  line(text, "{} requests in {} ({:.1f} a minute), seed {}; the accounts' limits allow {:.0f}\n",
       ours.offered, result.options.duration,
       static_cast<double>(ours.offered) * 60 / in_seconds(result.duration), result.options.seed,
       room);
  line(text, "{:<34}{:>22}{:>24}", "", "sluice", "plain round robin");
  for (const EndingRow& row : kEndingRows) {
    count_line(text, row.text, ours.count(row.ending), plain.count(row.ending), result);
    if (row.ending != SimEnding::kServed) continue;
    count_line(text, "  of these from the fallback pool", ours.fallback, plain.fallback, result);
    count_line(text, "  of these as an emergency", ours.emergency, plain.emergency, result);
  }
  line(text, "{:<34}{:>12}{:>24}", "429s met", ours.rate_limited(), plain.rate_limited());
  line(text, "{:<34}{:>12}{:>24}", "requests to providers", ours.attempts, plain.attempts);
  if (ours.cost_dollars() > 0) {
    line(text, "{:<34}{:>12}{:>24}", "cost, dollars", fmt::format("{:.2f}", ours.cost_dollars()),
         fmt::format("{:.2f}", plain.cost_dollars()));
  }
  line(text, "{:<34}{:>12}", "longest queue", ours.depth_max);
  if (ours.ladder.primary_wait_enter + ours.ladder.primary_wait_exhausted > 0) {
    line(text, "{:<34}{:>12}", "waits for a primary to recover", ours.ladder.primary_wait_enter);
    line(text, "{:<34}{:>12}", "  of these with success", ours.ladder.primary_wait_recovery);
    line(text, "{:<34}{:>12}", "  given up, or without hope", ours.ladder.primary_wait_exhausted);
  }
  wait_lines(text, result);
  account_lines(text, result);
  if (!result.not_simulated.empty()) {
    line(text, "\nnot simulated, though the configuration says so: {}",
         fmt::join(result.not_simulated, ", "));
  }
  return text;
}

// The names of accounts hold no character that JSON would have to escape (kNameRule).
std::string simulate_json(const SimulateResult& result) {
  std::string beyond;
  for (const std::string& key : result.not_simulated)
    beyond += fmt::format("{}\"{}\"", beyond.empty() ? "" : ",", key);
  return fmt::format(
      "{{\"seed\":{},\"duration_s\":{:.3f},\"not_simulated\":[{}],\"sluice\":{},"
      "\"round_robin\":{}}}\n",
      result.options.seed, in_seconds(result.duration), beyond, tally_json(result.ours, result),
      tally_json(result.plain, result));
}

}  // namespace sluice
