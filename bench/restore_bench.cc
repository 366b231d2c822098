// What a start costs that finds many requests of the last minute: restore_spent() over ROWS rows
// (3,000,000) of 50 accounts with limits of every kind and 20 client keys, in a store below the
// temporary folder.
//
//   restore_bench [ROWS]
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/restore_spent.h"
#include "store/apply_usage.h"
#include "store/schema.h"

namespace sluice {
namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;
constexpr std::size_t kAccounts = 50;
constexpr std::size_t kClients = 20;
constexpr std::size_t kBatch = 1000;

Directory make_directory() {
  Directory directory;
  for (std::size_t i = 0; i < kAccounts; ++i) {
    auto account = std::make_unique<Account>();
    account->name = "team-" + std::to_string(i);
    account->api_key = Secret("sk-test-" + std::to_string(i));
    account->rpm_limit = 10'000;
    account->tpm_limit = 10'000'000;
    account->rpd_limit = 10'000'000;
    directory.accounts.push_back(std::move(account));
  }
  for (std::size_t i = 0; i < kClients; ++i) {
    ClientKey client;
    client.name = "client-" + std::to_string(i);
    client.limits = {.requests = 10'000, .tokens = 10'000'000};
    directory.clients.push_back(std::move(client));
  }
  finish_directory(directory, nullptr, Instant(2h));
  return directory;
}

bool book(StoreEnvironment& environment, const Directory& directory, std::uint64_t rows) {
  Writer writer(environment);
  UsageLedger ledger(writer);
  std::vector<UsageEvent> events(kBatch);
  for (std::uint64_t row = 0; row < rows; row += kBatch) {
    for (std::uint64_t i = 0; i < kBatch; ++i) {
      UsageEvent& event = events[i];
      event.kind = UsageKind::kEnd;
      event.sequence = row + i + 1;
      event.flags = kUsageLast;
      event.status = 200;
      event.attempt = 1;
      event.unix_ms = kNowMs - static_cast<std::int64_t>((rows - row - i) * 60'000 / rows);
      event.request_id = "0123456789abcdef0123456789abcdef";
      event.account = directory.accounts[i % kAccounts]->name;
      event.client_key = directory.clients[i % kClients].name;
      event.pool = "primary";
      event.model = "gpt-x";
      event.total_tokens = 1500;
      event.latency_us = 2'000'000;
      event.sent_ms = 20;
    }
    if (!ledger.apply("shard-00", events)) return false;
  }
  return true;
}

// A line of /proc/self/status, in MiB.
std::uint64_t memory_mib(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kib = 0;
    if (word == name && status >> kib) return kib / 1024;
  }
  return 0;
}

int run(std::uint64_t rows) {
  std::string path = (std::filesystem::temp_directory_path() / "sluice-bench-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) return 1;
  StoreOptions options;
  options.directory = path;
  const Directory directory = make_directory();
  {
    const auto environment = open_store(options);
    if (!environment || !book(**environment, directory, rows)) return 1;
  }
  const auto environment = open_store(options);
  if (!environment) return 1;
  const std::uint64_t heap_before = memory_mib("RssAnon:");
  const auto began = std::chrono::steady_clock::now();
  const auto restored = restore_spent(**environment, directory, Instant(2h), kNowMs);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%llu rows in %.2f s, heap %llu MiB more\n",
              static_cast<unsigned long long>(restored ? restored->requests : 0), took.count(),
              static_cast<unsigned long long>(memory_mib("RssAnon:") - heap_before));
  std::filesystem::remove_all(path);
  return restored ? 0 : 1;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  return sluice::run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 3'000'000);
}
