#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sysexits.h>
#include <CLI/CLI.hpp>

#include <chrono>

#include "admin/usage_operations.h"
#include "base/csv.h"
#include "base/units.h"
#include "engine/cli/commands.h"
#include "engine/cli/store_access.h"
#include "parser/rfc3339.h"
#include "store/queries.h"
#include "store/usage_event.h"
#include "store/usage_keys.h"

namespace sluice {
namespace {

constexpr const char* kExportFooter = R"(
One line a request, latest first; with --attempts also those attempts whose answer no client got. A
cost that is empty (null) is not known: there was no price.

Examples:
  sluice usage export --jsonl > usage.jsonl
  sluice usage export --csv --account team-a --since 24h)";

constexpr const char* kRecomputeFooter = R"(
By the prices of models as they are now (dashboard, PUT /api/admin/prices), each request by the one
of its own time, in whole hours (UTC). Hours whose requests are not kept any more
(usage.keep_requests) are priced as a whole, and keep their cost where a price changed within them.
What was priced by an account's own price keeps its cost; of requests that are not kept any more
that is all of accounts that have prices of their own now, or are gone. What client keys have spent
of their budgets follows at the next start.

Example:
  sluice usage recompute --from 2026-01-01)";

struct RecomputeOptions {
  std::string from, to;
};

struct ExportOptions {
  bool csv = false, jsonl = false, attempts = false;
  std::string account, model, client, since;
};

double dollars(std::uint64_t nano) { return static_cast<double>(nano) / 1e9; }

int print_total(const Config&, StoreEnvironment& environment) {
  const auto total = usage_total(environment);
  if (!total) return store_failed(total.error(), environment);
  std::string text;
  const auto line = [&text](std::string_view what, std::uint64_t number) {
    text += fmt::format("{:<28}{:>16}\n", what, number);
  };
  line("requests", total->requests);
  line("  with errors", total->errors);
  line("attempts with accounts", total->attempts);
  line("  of unknown end", total->unknown);
  line("tokens", total->total_tokens);
  line("  prompt", total->prompt_tokens);
  line("  completion", total->completion_tokens);
  text += fmt::format("{:<28}{:>16.6f}\n", "cost, dollars", dollars(total->cost_nano_dollars));
  constexpr std::string_view kRow = "{:<32}{:>12}{:>10}{:>14}{:>16}\n";
  text += "\n" + fmt::format(kRow, "account", "attempts", "failed", "tokens", "dollars");
  const auto accounts = usage_by(environment, UsageSide::kAccount);
  if (!accounts) return store_failed(accounts.error(), environment);
  for (const NamedUsage& account : *accounts) {
    if (account.name.empty()) continue;
    text += fmt::format(kRow, account.name, account.sums.attempts, account.sums.failed_attempts,
                        account.sums.total_tokens,
                        fmt::format("{:.6f}", dollars(account.sums.cost_nano_dollars)));
  }
  return print_out(text);
}

std::string time_text(std::int64_t unix_ms) {
  const std::chrono::sys_time<std::chrono::seconds> at(std::chrono::seconds(unix_ms / 1000));
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", at, unix_ms % 1000);
}

std::string_view outcome_text(const StoredRequest& row) {
  switch (row.outcome) {
    case RequestOutcome::kEnded: return (row.flags & kUsageBrokenOff) != 0 ? "broken_off" : "ended";
    case RequestOutcome::kRefused: return "refused";
    case RequestOutcome::kUnknown: return "unknown";
    case RequestOutcome::kOpen: break;
  }
  return "open";
}

// The lesser rung that served; "" for the best.
std::string_view degraded_text(const StoredRequest& row) {
  if ((row.flags & kUsageEmergency) != 0) return "emergency";
  return (row.flags & kUsageFallback) != 0 ? "fallback" : "";
}

constexpr std::string_view kCsvHead =
    "time,request_id,outcome,status,attempt,account,pool,client,model,native_model,prompt_tokens,"
    "completion_tokens,total_tokens,cached_read_tokens,cached_write_tokens,reasoning_tokens,"
    "cost_nano_dollars,latency_us,first_token_us,queue_us,last,streamed,hedged,client_gone,"
    "tokens_estimated,degraded\n";

std::string csv_line(const RequestView& view) {
  const StoredRequest& row = view.row;
  const auto has = [&row](UsageFlag flag) { return (row.flags & flag) != 0; };
  return fmt::format(
      "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
      time_text(row.unix_ms), csv_text(row.request_id), outcome_text(row), row.status, row.attempt,
      csv_text(view.account), view.pool, csv_text(view.client_key), csv_text(view.model),
      csv_text(view.native_model), row.prompt_tokens, row.completion_tokens, row.total_tokens,
      row.cached_read_tokens, row.cached_write_tokens, row.reasoning_tokens,
      has(kUsageCostKnown) ? std::to_string(row.cost_nano_dollars) : "", row.latency_us,
      row.first_token_us, row.queue_us, has(kUsageLast), has(kUsageStreamed), has(kUsageHedged),
      has(kUsageClientGone), has(kUsageTokensGuessed), degraded_text(row));
}

std::string json_line(const RequestView& view) {
  const StoredRequest& row = view.row;
  const auto has = [&row](UsageFlag flag) { return (row.flags & flag) != 0; };
  const auto cost = has(kUsageCostKnown) ? nlohmann::ordered_json(row.cost_nano_dollars)
                                         : nlohmann::ordered_json();
  const nlohmann::ordered_json object = {{"time", time_text(row.unix_ms)},
                                         {"request_id", row.request_id},
                                         {"outcome", outcome_text(row)},
                                         {"status", row.status},
                                         {"attempt", row.attempt},
                                         {"account", view.account},
                                         {"pool", view.pool},
                                         {"client", view.client_key},
                                         {"model", view.model},
                                         {"native_model", view.native_model},
                                         {"prompt_tokens", row.prompt_tokens},
                                         {"completion_tokens", row.completion_tokens},
                                         {"total_tokens", row.total_tokens},
                                         {"cached_read_tokens", row.cached_read_tokens},
                                         {"cached_write_tokens", row.cached_write_tokens},
                                         {"reasoning_tokens", row.reasoning_tokens},
                                         {"cost_nano_dollars", cost},
                                         {"latency_us", row.latency_us},
                                         {"first_token_us", row.first_token_us},
                                         {"queue_us", row.queue_us},
                                         {"last", has(kUsageLast)},
                                         {"streamed", has(kUsageStreamed)},
                                         {"hedged", has(kUsageHedged)},
                                         {"client_gone", has(kUsageClientGone)},
                                         {"tokens_estimated", has(kUsageTokensGuessed)},
                                         {"degraded", degraded_text(row)}};
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

int export_requests(const ExportOptions& options, StoreEnvironment& environment) {
  RequestFilter filter;
  const auto set = [](std::optional<std::string>& name, const std::string& given) {
    if (!given.empty()) name = given;
  };
  set(filter.names.account, options.account);
  set(filter.names.model, options.model);
  set(filter.names.client_key, options.client);
  filter.every_attempt = options.attempts;
  filter.limit = 1000;
  if (!options.since.empty()) {
    const auto span = parse_duration(options.since);
    if (!span) {
      fmt::print(stderr, "sluice: --since: \"{}\" is wrong; expected a duration like 24h\n",
                 options.since);
      return EX_USAGE;
    }
    filter.from_ms = SystemClock().unix_ms() - *span / 1ms;
  }
  if (options.csv) {
    if (const int code = print_out(kCsvHead); code != EX_OK) return code;
  }
  do {
    const auto page = recent_requests(environment, filter);
    if (!page) return store_failed(page.error(), environment);
    std::string text;
    for (const RequestView& view : page->requests)
      text += options.csv ? csv_line(view) : json_line(view);
    if (const int code = print_out(text); code != EX_OK) return code;
    filter.before = page->next;
  } while (filter.before);
  return EX_OK;
}

// "2026-01-31", or a date-time of RFC 3339.
std::optional<std::int64_t> parse_instant(const std::string& text) {
  constexpr std::size_t kDateBytes = 10;
  return parse_rfc3339(text.size() == kDateBytes ? text + "T00:00:00Z" : text);
}

int recompute(const RecomputeOptions& options, const ConfigOptions& config) {
  const auto from = parse_instant(options.from);
  const auto to = options.to.empty() ? SystemClock().unix_ms() : parse_instant(options.to);
  const auto told = [](std::string_view option, const std::string& text) {
    fmt::print(stderr,
               "sluice: {}: \"{}\" is no time; expected 2026-01-31 or 2026-01-31T08:00:00Z\n",
               option, text);
    return EX_USAGE;
  };
  if (!from) return told("--from", options.from);
  if (!to) return told("--to", options.to);
  if (*from >= *to) {
    fmt::print(stderr, "sluice: --from is not before {}\n", options.to.empty() ? "now" : "--to");
    return EX_USAGE;
  }
  return change_store(config, [&](const AskStore& ask) {
    return recompute_usage(hour_of(*from), hour_of(*to - 1) + 1, ask);
  });
}

}  // namespace

void add_usage_command(CommandLine& line) {
  CLI::App& group = *line.app.add_subcommand("usage", "what requests used and cost");
  group.require_subcommand(1);
  add_store_action(line, group, "total", "sums of everything, and by account",
                   [](const ConfigOptions& config) { return with_store(config, print_total); });
  const auto span = std::make_shared<RecomputeOptions>();
  CLI::App* const recomputing = add_store_action(
      line, group, "recompute", "price what was used anew, by the models' prices as they are now",
      [span](const ConfigOptions& config) { return recompute(*span, config); });
  recomputing->footer(kRecomputeFooter);
  recomputing->add_option("--from", span->from, "from this day or time on")
      ->type_name("TIME")
      ->required();
  recomputing->add_option("--to", span->to, "before this one (now)")->type_name("TIME");
  const auto options = std::make_shared<ExportOptions>();
  CLI::App* const exporting = add_store_action(
      line, group, "export", "single requests, as far as usage.keep_requests keeps them",
      [options](const ConfigOptions& config) {
        return with_store(config, [&options](const Config&, StoreEnvironment& environment) {
          return export_requests(*options, environment);
        });
      });
  exporting->footer(kExportFooter);
  CLI::Option* const csv =
      exporting->add_flag("--csv", options->csv, "comma-separated, with a head");
  exporting->add_flag("--jsonl", options->jsonl, "a JSON object a line (the default)")
      ->excludes(csv);
  exporting->add_flag("--attempts", options->attempts, "every attempt, not only the last");
  exporting->add_option("--account", options->account, "of this account alone");
  exporting->add_option("--model", options->model, "of this model alone");
  exporting->add_option("--client", options->client, "of this client key alone");
  exporting->add_option("--since", options->since, "not older than this")->type_name("DURATION");
}

}  // namespace sluice
