// What statistics cost that read much: ROWS requests (1,000,000) of the last 7 days, of 50
// accounts, 20 client keys and 5 models, drawn evenly, so that nearly every request is an hourly
// row of its own. DIRECTORY keeps the store, for a gateway that is asked over HTTP.
//
//   usage_bench [ROWS [DIRECTORY]]
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/prng.h"
#include "store/apply_usage.h"
#include "store/queries.h"
#include "store/schema.h"
#include "store/usage_groups.h"

namespace sluice {
namespace {

constexpr std::uint64_t kAccounts = 50;
constexpr std::uint64_t kClients = 20;
constexpr std::uint64_t kModels = 5;
constexpr std::size_t kBatch = 1000;
constexpr std::int64_t kSpanMs = 7 * 24 * kHourMs;

bool book(StoreEnvironment& environment, std::uint64_t rows, std::int64_t now_ms) {
  Writer writer(environment);
  UsageLedger ledger(writer);
  Prng prng(1);
  struct Names {
    std::string account, client, model;
  };
  std::vector<Names> names(kBatch);
  std::vector<UsageEvent> events(kBatch);
  for (std::uint64_t row = 0; row < rows; row += kBatch) {
    for (std::uint64_t i = 0; i < kBatch; ++i) {
      names[i] = {"team-" + std::to_string(prng.below(kAccounts)),
                  "client-" + std::to_string(prng.below(kClients)),
                  "model-" + std::to_string(prng.below(kModels))};
      UsageEvent& event = events[i];
      event.kind = UsageKind::kEnd;
      event.sequence = row + i + 1;
      event.flags = kUsageLast | kUsageCostKnown;
      event.status = row + i == 0 ? 418 : 200;
      event.attempt = 1;
      event.unix_ms = now_ms - static_cast<std::int64_t>((rows - row - i) * kSpanMs / rows);
      event.request_id = "0123456789abcdef0123456789abcdef";
      event.account = names[i].account;
      event.client_key = names[i].client;
      event.model = names[i].model;
      event.pool = "primary";
      event.prompt_tokens = 1000;
      event.completion_tokens = 500;
      event.total_tokens = 1500;
      event.cost_nano_dollars = 7'500'000;
      event.latency_us = 2'000'000;
      event.first_token_us = 300'000;
    }
    if (!ledger.apply("shard-00", events)) return false;
  }
  return true;
}

template <class Ask>
void measure(const char* what, Ask&& ask) {
  const auto begin = std::chrono::steady_clock::now();
  const std::size_t rows = ask();
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - begin;
  std::printf("%-40s %8.1f ms %8zu rows\n", what, spent.count(), rows);
}

void measure_all(StoreEnvironment& environment, std::int64_t now_ms) {
  const auto groups = [&](std::uint32_t hours, UsageSpan span, std::optional<UsageSide> side,
                          std::size_t top, std::optional<std::string> account = {}) {
    UsageQuery query{.from_hour = hour_of(now_ms) + 1 - hours};
    query.span = span;
    query.side = side;
    query.top = top;
    query.names.account = std::move(account);
    const auto answer = group_usage(environment, query);
    if (!answer) std::abort();
    if (answer->truncated) std::printf("(truncated) ");
    return answer->groups.size();
  };
  constexpr auto kAccount = UsageSide::kAccount;
  measure("24 h by hour", [&] { return groups(24, UsageSpan::kHour, {}, 0); });
  measure("7 days by hour", [&] { return groups(168, UsageSpan::kHour, {}, 0); });
  measure("7 days by hour, account", [&] { return groups(168, UsageSpan::kHour, kAccount, 0); });
  measure("7 days by hour, top 5", [&] { return groups(168, UsageSpan::kHour, kAccount, 5); });
  measure("7 days by model", [&] { return groups(168, UsageSpan::kWhole, UsageSide::kModel, 0); });
  measure("7 days by day, of one account",
          [&] { return groups(168, UsageSpan::kDay, {}, 0, "team-7"); });
  const auto requests = [&](RequestFilter filter) {
    filter.limit = 500;
    const auto page = recent_requests(environment, filter);
    if (!page) std::abort();
    return page->requests.size();
  };
  measure("the last 500 requests", [&] { return requests({}); });
  measure("500 of one account", [&] { return requests({.names = {.account = "team-7"}}); });
  measure("the earliest, by its status", [&] { return requests({.status = 418}); });
  measure("of a model that is none", [&] { return requests({.names = {.model = "none"}}); });
  measure("of all three names", [&] {
    return requests({.names = {.account = "team-7", .model = "model-1", .client_key = "client-1"}});
  });
  measure("hourly_usage() of 7 days", [&] {
    const auto rows = hourly_usage(environment, {.from_hour = hour_of(now_ms) - 167});
    return rows ? rows->size() : 0;
  });
}

int run(std::uint64_t rows, std::string directory) {
  const bool own = directory.empty();
  if (own) {
    directory = (std::filesystem::temp_directory_path() / "sluice-bench-XXXXXX").string();
    if (mkdtemp(directory.data()) == nullptr) return 1;
  }
  const std::int64_t now_ms = SystemClock().unix_ms();
  {
    StoreOptions options;
    options.directory = directory;
    auto environment = open_store(options);
    if (!environment || !book(**environment, rows, now_ms)) return 1;
    measure_all(**environment, now_ms);
  }
  if (own) std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  const std::uint64_t rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  return sluice::run(rows, argc > 2 ? argv[2] : "");
}
