// What is in a data directory, as lines of JSON, also while a gateway writes there:
//
//   store_dump DIRECTORY          every request, the sums of each account, model and client key,
//                                 the sums of all, and what is left open
//   store_dump --check DIRECTORY  all rows of all tables looked at (store/check.h) as well; for a
//                                 store that nobody writes
//   store_dump --hold DIRECTORY   first holds a read transaction: it says {"holding":true} and goes
//                                 on when its input ends
//
// Each line has one member that says what it is: request, account, model, client_key, total, check.
#include <cstdio>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "store/check.h"
#include "store/queries.h"
#include "store/schema.h"
#include "store/usage_event.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kPageRows = 10'000;

void say(const Json& json) {
  std::cout << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

Json json_of(const UsageSums& sums) {
  return {{"requests", sums.requests},
          {"errors", sums.errors},
          {"attempts", sums.attempts},
          {"failed_attempts", sums.failed_attempts},
          {"unknown", sums.unknown},
          {"unpriced", sums.unpriced},
          {"prompt_tokens", sums.prompt_tokens},
          {"completion_tokens", sums.completion_tokens},
          {"total_tokens", sums.total_tokens},
          {"cached_read_tokens", sums.cached_read_tokens},
          {"cached_write_tokens", sums.cached_write_tokens},
          {"reasoning_tokens", sums.reasoning_tokens},
          {"cost_nano_dollars", sums.cost_nano_dollars},
          {"latency_us", sums.latency_us},
          {"first_token_us", sums.first_token_us},
          {"first_tokens", sums.first_tokens},
          {"queue_us", sums.queue_us}};
}

const char* text_of(RequestOutcome outcome) {
  switch (outcome) {
    case RequestOutcome::kEnded: return "ended";
    case RequestOutcome::kRefused: return "refused";
    case RequestOutcome::kUnknown: return "unknown";
    case RequestOutcome::kOpen: return "open";
  }
  return "?";
}

Json flags_of(std::uint16_t flags) {
  constexpr struct {
    UsageFlag flag;
    const char* name;
  } kFlags[] = {{kUsageLast, "last"},
                {kUsageStreamed, "streamed"},
                {kUsageFallback, "fallback"},
                {kUsageEmergency, "emergency"},
                {kUsageHedged, "hedged"},
                {kUsageClientGone, "client_gone"},
                {kUsageTokensGuessed, "tokens_guessed"},
                {kUsageCostKnown, "cost_known"},
                {kUsageOwnPrice, "own_price"},
                {kUsageBrokenOff, "broken_off"}};
  Json names = Json::array();
  for (const auto& [flag, name] : kFlags)
    if ((flags & flag) != 0) names.push_back(name);
  return names;
}

Json json_of(const RequestView& view) {
  const StoredRequest& row = view.row;
  return {{"request", row.request_id},
          {"key", {view.key.unix_ms, view.key.journal, view.key.sequence}},
          {"outcome", text_of(row.outcome)},
          {"status", row.status},
          {"attempt", row.attempt},
          {"flags", flags_of(row.flags)},
          {"account", view.account},
          {"pool", view.pool},
          {"client_key", view.client_key},
          {"model", view.model},
          {"native_model", view.native_model},
          {"unix_ms", row.unix_ms},
          {"prompt_tokens", row.prompt_tokens},
          {"completion_tokens", row.completion_tokens},
          {"total_tokens", row.total_tokens},
          {"cached_read_tokens", row.cached_read_tokens},
          {"cached_write_tokens", row.cached_write_tokens},
          {"reasoning_tokens", row.reasoning_tokens},
          {"cost_nano_dollars", row.cost_nano_dollars},
          {"latency_us", row.latency_us},
          {"first_token_us", row.first_token_us},
          {"queue_us", row.queue_us}};
}

StoreResult<void> dump_requests(StoreEnvironment& environment) {
  RequestFilter filter{.every_attempt = true, .limit = kPageRows};
  do {
    const auto page = recent_requests(environment, filter);
    if (!page) return store_fail(page.error());
    for (const RequestView& view : page->requests) say(json_of(view));
    filter.before = page->next;
  } while (filter.before);
  return {};
}

StoreResult<void> dump_sums(StoreEnvironment& environment) {
  constexpr struct {
    UsageSide side;
    const char* name;
  } kSides[] = {{UsageSide::kAccount, "account"},
                {UsageSide::kModel, "model"},
                {UsageSide::kClientKey, "client_key"}};
  for (const auto& [side, name] : kSides) {
    const auto all = usage_by(environment, side);
    if (!all) return store_fail(all.error());
    for (const NamedUsage& usage : *all) say({{name, usage.name}, {"sums", json_of(usage.sums)}});
  }
  const auto total = usage_total(environment);
  if (!total) return store_fail(total.error());
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  const auto open = transaction->count(Table::kOpenAttempts);
  if (!open) return store_fail(open.error());
  say({{"total", json_of(*total)}, {"open_attempts", *open}});
  return {};
}

StoreResult<void> dump_check(StoreEnvironment& environment) {
  const auto report = check_store(environment);
  if (!report) return store_fail(report.error());
  Json faults = Json::array();
  for (const CheckFault& fault : report->told)
    faults.push_back(std::string(table_name(fault.table)) + " " + fault.key + ": " + fault.text);
  say({{"check", report->good()}, {"rows", report->rows}, {"faults", faults}});
  return {};
}

StoreResult<void> hold(StoreEnvironment& environment) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  say({{"holding", true}});
  std::cout.flush();
  while (std::getchar() != EOF) {
  }
  return {};
}

StoreResult<void> dump(const StoreOptions& options, const char* mode) {
  const auto environment = open_store(options);
  if (!environment) return store_fail(environment.error());
  if (std::strcmp(mode, "--hold") == 0) SL_STORE_TRY(hold(**environment));
  SL_STORE_TRY(dump_requests(**environment));
  SL_STORE_TRY(dump_sums(**environment));
  if (std::strcmp(mode, "--check") == 0) SL_STORE_TRY(dump_check(**environment));
  return {};
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  const char* const mode = argc == 3 ? argv[1] : "";
  const bool known = std::strcmp(mode, "--check") == 0 || std::strcmp(mode, "--hold") == 0;
  if (argc != 2 && !(argc == 3 && known)) {
    std::fputs("usage: store_dump [--check|--hold] DIRECTORY\n", stderr);
    return 64;
  }
  const sluice::StoreOptions options{.directory = argv[argc - 1],
                                     .mode = sluice::OpenMode::kReadOnly};
  if (const auto done = sluice::dump(options, mode); !done) {
    std::fprintf(stderr, "store_dump: %s\n",
                 sluice::explain(done.error(), options.directory).c_str());
    return 1;
  }
  return 0;
}
