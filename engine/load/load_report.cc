#include "engine/load/load_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/draw.h"

namespace sluice {
namespace {

// Above these the generator itself is part of what was measured.
constexpr Duration kLagMax = 10ms;        // at p99; the kernel wakes a thread within 0.1 ms
constexpr double kCpuShareMax = 0.9;      // of the one core that it can use
constexpr std::size_t kAccountRows = 20;  // more than that a person does not read

double as_double(std::uint64_t count) noexcept { return static_cast<double>(count); }

double per_second(std::uint64_t count, Duration span) noexcept {
  return span <= Duration::zero() ? 0 : as_double(count) / in_seconds(span);
}

double percent(std::uint64_t part, std::uint64_t whole) noexcept {
  return whole == 0 ? 0 : 100 * as_double(part) / as_double(whole);
}

std::string span_text(Duration span) {
  const double s = in_seconds(span);
  if (s == 0) return "0";
  if (s < 1e-3) return fmt::format("{:.0f}us", s * 1e6);
  if (s < 1) return fmt::format("{:.3g}ms", s * 1e3);
  return s < 100 ? fmt::format("{:.3g}s", s) : fmt::format("{:.0f}s", s);
}

// What a server says of itself may hold anything that a field value may.
std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  return out;
}

template <class... Args>
void line(std::string& text, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
  text += '\n';
}

void spread_line(std::string& text, std::string_view what, const LoadHistogram& of,
                 std::string_view note) {
  if (of.count() == 0) return;
  line(text, "{:<20}{:>9}{:>10}{:>10}{:>10}{:>10}  {}", what, span_text(of.quantile(0.5)),
       span_text(of.quantile(0.9)), span_text(of.quantile(0.99)), span_text(of.quantile(0.999)),
       span_text(of.max()), note);
}

// How long requests were due, and how long answers came: the end of a schedule may be silent.
Duration sending_time(const LoadReport& report) {
  const Duration planned = report.settings.duration;
  return report.result.interrupted ? std::min(planned, report.result.elapsed) : planned;
}
Duration answering_time(const LoadReport& report) {
  return std::max(sending_time(report), report.result.elapsed);
}

double cpu_share(const LoadReport& report) {
  if (report.result.elapsed <= Duration::zero()) return 0;
  return in_seconds(report.result.cpu) / in_seconds(report.result.elapsed);
}

void answer_lines(std::string& text, const LoadTally& tally) {
  const std::uint64_t all = tally.ended();
  line(text, "{:<20}{:>9} {:>9.2f} %", "answers", tally.of(LoadEnd::kAnswered),
       percent(tally.of(LoadEnd::kAnswered), all));
  for (const auto& [status, count] : tally.statuses) {
    std::string note;
    if (status == 429 && tally.retry_afters > 0)
      note = fmt::format("  {} with Retry-After, {} to {}", tally.retry_afters,
                         span_text(tally.retry_after_least), span_text(tally.retry_after_most));
    line(text, "  {:<18}{:>9} {:>9.2f} %{}", status, count, percent(count, all), note);
  }
  line(text, "{:<20}{:>9} {:>9.2f} %", "errors", tally.errors(), percent(tally.errors(), all));
  for (std::size_t i = 0; i < kLoadEnds; ++i) {
    const auto end = static_cast<LoadEnd>(i);
    if (tally.ends[i] == 0 || end == LoadEnd::kAnswered || end == LoadEnd::kInterrupted) continue;
    line(text, "  {:<18}{:>9} {:>9.2f} %  {}", load_end_name(end), tally.ends[i],
         percent(tally.ends[i], all), printable(tally.samples[i]));
  }
  if (const std::uint64_t cut = tally.of(LoadEnd::kInterrupted); cut > 0)
    line(text, "{:<20}{:>9}            due, and not ended when the run was", "interrupted", cut);
}

void spread_lines(std::string& text, const LoadTally& tally) {
  line(text, "\n{:<20}{:>9}{:>10}{:>10}{:>10}{:>10}", "", "p50", "p90", "p99", "p99.9", "max");
  spread_line(text, "latency", tally.latency, "from when a request was due");
  spread_line(text, "service time", tally.service, "from when it was sent");
  spread_line(text, "other statuses", tally.refused, "than 2xx, from when due");
  spread_line(text, "first content", tally.first_content, "from when due");
  spread_line(text, "  service time", tally.first_content_service, "from when sent");
  spread_line(text, "gap between tokens", tally.gaps, "of one stream");
  spread_line(text, "connecting", tally.connecting,
              fmt::format("{} new connections", tally.connecting.count()));
  spread_line(text, "waited to be sent", tally.held,
              fmt::format("{} found all connections in use", tally.held.count()));
  spread_line(text, "generator's lag", tally.lag, "its own lateness, beyond that");
}

// Where the number of completion tokens is from.
std::string_view token_source(const LoadTally& tally) {
  if (tally.usage_told > 0) return tally.content_events_untold > 0 ? "usage and events" : "usage";
  return tally.content_events_untold > 0 ? "events" : "none";
}

std::uint64_t tokens_out(const LoadTally& tally) {
  return tally.completion_tokens + tally.content_events_untold;
}

void token_lines(std::string& text, const LoadReport& report) {
  const LoadTally& tally = *report.tally;
  const std::string_view source = token_source(tally);
  if (source == "none") return;
  line(text, "\ntokens out {} ({:.1f}/s), in {}; by {}", tokens_out(tally),
       per_second(tokens_out(tally), answering_time(report)), tally.prompt_tokens,
       source == "usage"    ? "the answers' usage"
       : source == "events" ? "events with content: the answers did not tell their usage"
                            : "the answers' usage, and events where it was not told");
}

void gateway_lines(std::string& text, const LoadTally& tally) {
  if (tally.overhead.count() + tally.queued.count() + tally.accounts.size() == 0) return;
  line(text, "\n{:<20}{:>9}{:>10}{:>10}{:>10}{:>10}  {}", "gateway", "p50", "p90", "p99", "p99.9",
       "max", "as it says itself (x-sluice-*)");
  spread_line(text, "queue", tally.queued, "");
  spread_line(text, "overhead", tally.overhead, "");
  if (tally.attempts > tally.attempts_told)
    line(text, "{:<20}{:>9.3f}  by request", "attempts",
         as_double(tally.attempts) / as_double(tally.attempts_told));
  if (tally.degraded > 0)
    line(text, "{:<20}{:>9}  from the fallback pool or as an emergency", "degraded",
         tally.degraded);
  if (tally.accounts.empty()) return;
  std::vector<std::pair<std::uint64_t, std::string>> rows;
  std::uint64_t all = 0;
  for (const auto& [name, count] : tally.accounts) {
    rows.emplace_back(count, name);
    all += count;
  }
  std::ranges::sort(rows, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  line(text, "{:<20}{:>9}", "account", "answers");
  for (std::size_t i = 0; i < std::min(rows.size(), kAccountRows); ++i)
    line(text, "  {:<18}{:>9} {:>9.2f} %", printable(rows[i].second), rows[i].first,
         percent(rows[i].first, all));
  if (rows.size() > kAccountRows) line(text, "  and {} more", rows.size() - kAccountRows);
}

// `text` as a JSON string. Bytes beyond ASCII, of which a field value may have any, become '?'.
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string spread_json(std::string_view name, const LoadHistogram& of) {
  return fmt::format(
      "\"{}\":{{\"count\":{},\"mean\":{:.6f},\"p50\":{:.6f},\"p90\":{:.6f},\"p99\":{:.6f},"
      "\"p999\":{:.6f},\"max\":{:.6f}}}",
      name, of.count(), in_seconds(of.mean()), in_seconds(of.quantile(0.5)),
      in_seconds(of.quantile(0.9)), in_seconds(of.quantile(0.99)), in_seconds(of.quantile(0.999)),
      in_seconds(of.max()));
}

std::string settings_json(const LoadReport& report) {
  const LoadSettings& settings = report.settings;
  return fmt::format(
      "\"url\":{},\"request\":{},\"settings\":{{\"rate_per_second\":{:.6f},\"arrivals\":\"{}\","
      "\"seed\":{},\"duration_s\":{:.3f},\"connections_max\":{},\"timeout_s\":{:.3f}}}",
      json_string(report.url), json_string(report.request), settings.per_second,
      settings.arrivals == ArrivalPattern::kPoisson ? "poisson" : "even", settings.seed,
      in_seconds(settings.duration), settings.connections_max, in_seconds(settings.timeout));
}

std::string counts_json(const LoadReport& report) {
  const LoadTally& tally = *report.tally;
  std::string text = fmt::format(
      "\"requests\":{{\"due\":{},\"started\":{},\"answered\":{},\"errors\":{},\"interrupted\":{}}},"
      "\"started_per_second\":{:.3f},\"answered_per_second\":{:.3f},\"statuses\":{{",
      tally.ended(), tally.started, tally.of(LoadEnd::kAnswered), tally.errors(),
      tally.of(LoadEnd::kInterrupted), per_second(tally.started, sending_time(report)),
      per_second(tally.of(LoadEnd::kAnswered), answering_time(report)));
  const char* separator = "";
  for (const auto& [status, count] : tally.statuses) {
    text += fmt::format("{}\"{}\":{}", separator, status, count);
    separator = ",";
  }
  text += "},\"errors\":{";
  separator = "";
  for (std::size_t i = 0; i < kLoadEnds; ++i) {
    const auto end = static_cast<LoadEnd>(i);
    if (tally.ends[i] == 0 || end == LoadEnd::kAnswered || end == LoadEnd::kInterrupted) continue;
    text += fmt::format("{}\"{}\":{{\"count\":{},\"first\":{}}}", separator, load_end_name(end),
                        tally.ends[i], json_string(tally.samples[i]));
    separator = ",";
  }
  text += fmt::format("}},\"retry_after\":{{\"count\":{},\"least_s\":{:.3f},\"most_s\":{:.3f}}}",
                      tally.retry_afters, in_seconds(tally.retry_after_least),
                      in_seconds(tally.retry_after_most));
  return text;
}

std::string gateway_json(const LoadTally& tally) {
  std::string text = fmt::format(
      "\"gateway\":{{{},{},\"attempts\":{},\"attempts_told\":{},\"degraded\":{},\"accounts\":{{",
      spread_json("queue_s", tally.queued), spread_json("overhead_s", tally.overhead),
      tally.attempts, tally.attempts_told, tally.degraded);
  const char* separator = "";
  for (const auto& [name, count] : tally.accounts) {
    text += fmt::format("{}{}:{}", separator, json_string(name), count);
    separator = ",";
  }
  return text + "}}";
}

}  // namespace

std::vector<std::string> load_doubts(const LoadReport& report) {
  const LoadTally& tally = *report.tally;
  std::vector<std::string> doubts;
  if (const Duration lag = tally.lag.quantile(0.99); lag > kLagMax)
    doubts.push_back(
        fmt::format("the generator did not keep up: it sent 1 % of the requests {} and more too "
                    "late by its own fault; ask for a lower rate, or give it a core of its own",
                    span_text(lag)));
  if (const double share = cpu_share(report); share > kCpuShareMax)
    doubts.push_back(fmt::format(
        "the generator used {:.0f} % of the one core that it can use; ask for a lower rate, or run "
        "several of it",
        share * 100));
  if (const std::uint64_t ours = tally.of(LoadEnd::kOurs); ours > 0)
    doubts.push_back(
        fmt::format("{} requests failed for want of descriptors, ports or memory on "
                    "this machine",
                    ours));
  return doubts;
}

std::string load_text(const LoadReport& report) {
  const LoadTally& tally = *report.tally;
  const LoadSettings& settings = report.settings;
  std::string text;
  line(text, "{}\n{}", report.url, printable(report.request));
  line(text,
       "{} requests in {:.1f} s{}; asked for {:.6g}/s ({}, seed {}), started {:.6g}/s, "
       "answered {:.6g}/s\n",
       tally.ended(), in_seconds(report.result.elapsed),
       report.result.interrupted ? ", ended before its time" : "", settings.per_second,
       settings.arrivals == ArrivalPattern::kPoisson ? "poisson" : "even", settings.seed,
       per_second(tally.started, sending_time(report)),
       per_second(tally.of(LoadEnd::kAnswered), answering_time(report)));
  answer_lines(text, tally);
  spread_lines(text, tally);
  token_lines(text, report);
  gateway_lines(text, tally);
  if (tally.of(LoadEnd::kTimeout) + tally.of(LoadEnd::kNotSent) > 0)
    line(text,
         "\nlatencies count requests whose time was over with what they had ({}): it took "
         "longer",
         span_text(settings.timeout));
  for (const std::string& doubt : load_doubts(report))
    line(text, "\nDO NOT TRUST THIS RESULT: {}", doubt);
  return text;
}

std::string load_json(const LoadReport& report) {
  const LoadTally& tally = *report.tally;
  const std::vector<std::string> doubts = load_doubts(report);
  std::string why;
  for (const std::string& doubt : doubts) why += (why.empty() ? "" : ",") + json_string(doubt);
  std::string text = fmt::format(
      "{{{},\"elapsed_s\":{:.6f},\"interrupted\":{},\"trustworthy\":{},\"doubts\":[{}],"
      "\"generator_cpu_share\":{:.4f},{}",
      settings_json(report), in_seconds(report.result.elapsed), report.result.interrupted,
      doubts.empty(), why, cpu_share(report), counts_json(report));
  const std::pair<std::string_view, const LoadHistogram*> spreads[] = {
      {"latency_s", &tally.latency},
      {"service_s", &tally.service},
      {"other_statuses_s", &tally.refused},
      {"first_content_s", &tally.first_content},
      {"first_content_service_s", &tally.first_content_service},
      {"gap_s", &tally.gaps},
      {"connecting_s", &tally.connecting},
      {"held_s", &tally.held},
      {"generator_lag_s", &tally.lag},
  };
  for (const auto& [name, of] : spreads) text += "," + spread_json(name, *of);
  text += fmt::format(
      ",\"tokens\":{{\"in\":{},\"out\":{},\"out_per_second\":{:.3f},\"by\":\"{}\"}},\"streams\":{},"
      "\"content_events\":{},{}}}\n",
      tally.prompt_tokens, tokens_out(tally), per_second(tokens_out(tally), answering_time(report)),
      token_source(tally), tally.streams, tally.content_events, gateway_json(tally));
  return text;
}

std::string load_progress_text(const LoadProgress& progress, const LoadTally& tally) {
  return fmt::format("{:>5.0f} s  {} started  {} in flight  {} answered  {} errors  p50 {}  p99 {}",
                     in_seconds(progress.elapsed), tally.started, progress.in_flight,
                     tally.of(LoadEnd::kAnswered), tally.errors(),
                     span_text(tally.latency.quantile(0.5)),
                     span_text(tally.latency.quantile(0.99)));
}

}  // namespace sluice
