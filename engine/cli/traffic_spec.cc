#include "engine/cli/traffic_spec.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

#include "base/units.h"
#include "engine/config/read_file.h"
#include "engine/config/suggest.h"
#include "engine/load/schedule.h"

namespace sluice {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

// The part of `rest` before `separator`, which goes on behind it.
std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
  return trimmed(part);
}

std::optional<double> number(std::string_view text, double least, double most) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  if (!(value >= least && value <= most)) return {};
  return value;
}

bool set_number(std::string_view text, double least, double most, double& out) {
  const std::optional<double> value = number(text, least, most);
  if (value) out = *value;
  return value.has_value();
}

// "5%" or "0.05".
bool set_share(std::string_view text, double most, double& out) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const std::optional<double> value = number(trimmed(text), 0, percent ? most * 100 : most);
  if (value) out = percent ? *value / 100 : *value;
  return value.has_value();
}

bool set_duration(std::string_view text, Duration& out) {
  const std::optional<Duration> value = parse_duration(text);
  if (!value || *value <= Duration::zero()) return false;
  out = *value;
  return true;
}

bool set_rate(std::string_view text, TrafficSpec& spec) {
  const std::optional<double> per_second = parse_rate(text);
  if (per_second) spec.traffic.per_second = *per_second;
  return per_second.has_value();
}

template <class E>
bool set_word(std::string_view text, std::initializer_list<std::pair<std::string_view, E>> words,
              E& out) {
  for (const auto& [word, value] : words) {
    if (word == text) return out = value, true;
  }
  return false;
}

// "name:share, name:share"; a share that is not given is 1.
template <class Add>
bool each_share(std::string_view text, Add add) {
  do {
    std::string_view share = cut(text, ',');
    const std::string_view name = cut(share, ':');
    const std::optional<double> value = share.empty() ? 1.0 : number(trimmed(share), 0, 1e9);
    if (name.empty() || !value || !add(name, *value)) return false;
  } while (!text.empty());
  return true;
}

bool set_priorities(std::string_view text, TrafficSpec& spec) {
  spec.traffic.priorities = {};
  double sum = 0;
  return each_share(text,
                    [&](std::string_view name, double share) {
                      const std::optional<Priority> priority = priority_of(name);
                      if (priority) spec.traffic.priorities[rank_of(*priority)] = share;
                      sum += share;
                      return priority.has_value();
                    }) &&
         sum > 0;
}

bool set_models(std::string_view text, TrafficSpec& spec) {
  spec.names_models = true;
  spec.traffic.models.clear();
  spec.traffic.model_shares.clear();
  double sum = 0;
  return each_share(text,
                    [&](std::string_view name, double share) {
                      spec.traffic.models.emplace_back(name);
                      spec.traffic.model_shares.push_back(share);
                      sum += share;
                      return true;
                    }) &&
         sum > 0;
}

// "30s/5min": a burst's length, and how often one comes.
bool set_burst(std::string_view text, TrafficSpec& spec) {
  const std::string_view length = cut(text, '/');
  return set_duration(length, spec.traffic.burst) &&
         set_duration(trimmed(text), spec.traffic.burst_every) &&
         spec.traffic.burst < spec.traffic.burst_every;
}

bool set_tokens(std::string_view text, TrafficSpec& spec) {
  const std::string_view prompt = cut(text, '/');
  return set_number(prompt, 1, 2e6, spec.traffic.prompt_tokens) &&
         set_number(trimmed(text), 1, 2e6, spec.traffic.completion_tokens);
}

// "team-a@2h+10min".
bool add_outage(std::string_view text, TrafficSpec& spec) {
  TrafficSpec::Outage outage;
  outage.account = cut(text, '@');
  const std::string_view from = cut(text, '+');
  const std::optional<Duration> begin = parse_duration(from);
  if (outage.account.empty() || !begin || !set_duration(trimmed(text), outage.length)) return false;
  outage.from = *begin;
  spec.outages.push_back(std::move(outage));
  return true;
}

bool set_latency(std::string_view text, TrafficSpec& spec) {
  Duration span{};
  if (!set_duration(text, span)) return false;
  spec.latency_s = static_cast<double>(span.count()) * 1e-9;
  return true;
}

struct TrafficKey {
  std::string_view name;
  std::string_view expected;
  bool (*set)(std::string_view text, TrafficSpec& spec);
};

constexpr TrafficKey kKeys[] = {
    {"rate", "requests, on average: 600rpm, 10/s or 36000/h", set_rate},
    {"shape", "even, poisson (the default), diurnal, bursts or pareto (heavy-tailed gaps)",
     [](std::string_view text, TrafficSpec& spec) {
       using enum TrafficShape;
       return set_word<TrafficShape>(text,
                                     {{"even", kEven},
                                      {"poisson", kPoisson},
                                      {"diurnal", kDiurnal},
                                      {"bursts", kBursts},
                                      {"pareto", kPareto}},
                                     spec.traffic.shape);
     }},
    {"peak", "the highest rate of diurnal or bursts as a multiple of the lowest, 1 to 1000: 3",
     [](std::string_view text, TrafficSpec& spec) {
       return set_number(text, 1, 1000, spec.traffic.peak);
     }},
    {"burst", "a burst's length and how often one comes: 30s/5min", set_burst},
    {"priorities", "shares of urgent, high, normal and low: urgent:5,normal:80,low:15",
     set_priorities},
    {"models", "names with their shares: gpt-4o:70,small:30 (default: all, alike)", set_models},
    {"tokens", "prompt and completion, medians: 1200/300", set_tokens},
    {"patience", "how long a client waits for the end of its answer, median: 60s",
     [](std::string_view text, TrafficSpec& spec) {
       return set_duration(text, spec.traffic.patience);
     }},
    {"providers", "how they count: rolling (the default), minute or unlimited",
     [](std::string_view text, TrafficSpec& spec) {
       using enum Counting;
       return set_word<Counting>(
           text, {{"rolling", kRolling}, {"minute", kFixed}, {"unlimited", kUnlimited}},
           spec.counting);
     }},
    {"provider_limit", "their true limit as a share of rpm_limit: 90%",
     [](std::string_view text, TrafficSpec& spec) {
       return set_share(text, 100, spec.provider_limit) && spec.provider_limit > 0;
     }},
    {"retry_after", "yes (the default) or no: whether their 429 tells when to come back",
     [](std::string_view text, TrafficSpec& spec) {
       return set_word<bool>(text, {{"yes", true}, {"no", false}}, spec.retry_after);
     }},
    {"latency", "to the first token, median: 800ms", set_latency},
    {"speed", "completion tokens per second: 60",
     [](std::string_view text, TrafficSpec& spec) {
       return set_number(text, 0.1, 1e6, spec.tokens_per_second);
     }},
    {"errors", "the share of answers with status 500: 0.5%",
     [](std::string_view text, TrafficSpec& spec) { return set_share(text, 1, spec.error_share); }},
    {"stalls", "the share of requests that are never answered: 0.1%",
     [](std::string_view text, TrafficSpec& spec) { return set_share(text, 1, spec.stall_share); }},
    {"outage", "an account that answers 500, from when and how long: team-a@2h+10min; repeatable",
     add_outage},
};

// "" when `entry` is sound.
std::string read_entry(std::string_view entry, TrafficSpec& spec) {
  std::string_view value = entry;
  const std::string_view name = cut(value, '=');
  value = trimmed(value);
  std::vector<std::string> known;
  for (const TrafficKey& key : kKeys) {
    if (key.name != name) {
      known.emplace_back(key.name);
      continue;
    }
    if (key.set(value, spec)) return "";
    return fmt::format("{}: \"{}\" is wrong; expected {}", name, value, key.expected);
  }
  return fmt::format("unknown key \"{}\"{}", name, did_you_mean(name, known));
}

std::expected<TrafficSpec, std::string> parse_file(const std::string& name) {
  constexpr std::size_t kBytesMax = 1024 * 1024;
  const auto content = read_file(name, kBytesMax);
  if (!content) return std::unexpected("--traffic: " + content.error().message);
  TrafficSpec spec;
  std::string_view rest = *content;
  for (int line = 1; !rest.empty(); ++line) {
    std::string_view text = cut(rest, '\n');
    std::string_view entries = cut(text, '#');
    while (!entries.empty()) {
      const std::string_view entry = cut(entries, ';');
      if (entry.empty()) continue;
      if (const std::string why = read_entry(entry, spec); !why.empty())
        return std::unexpected(fmt::format("{}:{}: {}", name, line, why));
    }
  }
  return spec;
}

}  // namespace

std::expected<TrafficSpec, std::string> parse_traffic(const std::string& text) {
  if (text.starts_with('@')) return parse_file(text.substr(1));
  TrafficSpec spec;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view entry = cut(rest, ';');
    if (entry.empty()) continue;
    if (const std::string why = read_entry(entry, spec); !why.empty())
      return std::unexpected("--traffic: " + why);
  }
  return spec;
}

std::string traffic_help() {
  std::string text = "TRAFFIC is KEY=VALUE;KEY=VALUE;..., or @FILE with such lines:\n";
  for (const TrafficKey& key : kKeys) text += fmt::format("  {:<15} {}\n", key.name, key.expected);
  return text;
}

}  // namespace sluice
