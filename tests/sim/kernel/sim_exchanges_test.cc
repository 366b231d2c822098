// Whole exchanges on a simulated kernel (tests/sim/kernel/sim_world.h), one run for each seed.
//
//   SLUICE_SIM_SEEDS=20000    so many seeds
//   SLUICE_SIM_FIRST=5000     beginning with this one
//   SLUICE_SIM_SEED=4711      that one alone, with everything that happens in it
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/sim/kernel/sim_world.h"

namespace sluice {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeedsUsual = 40;  // a sanitizer makes a run ten times as long
#else
constexpr std::uint64_t kSeedsUsual = 400;
#endif

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// What an abort must say, made ready before each run: a signal handler may not format.
char seed_text[160];
std::size_t seed_text_bytes = 0;

void tell_seed(int) {
  static_cast<void>(!write(STDERR_FILENO, seed_text, seed_text_bytes));
  signal(SIGABRT, SIG_DFL);
  abort();
}

std::string replay_of(std::uint64_t seed) {
  return "seed " + std::to_string(seed) + "; replay: SLUICE_SIM_SEED=" + std::to_string(seed) +
         " tests/sim/kernel/sim_exchanges\n";
}

SimOutcome run_seed(std::uint64_t seed, SimBug bug = SimBug::kNone, bool prints = false) {
  const std::string text = replay_of(seed);
  seed_text_bytes = std::min(text.size(), sizeof(seed_text));
  std::memcpy(seed_text, text.data(), seed_text_bytes);
  signal(SIGABRT, tell_seed);
  SimWorld world({.seed = seed, .prints = prints, .bug = bug});
  return world.run();
}

void expect_nothing_found(std::uint64_t seed, const SimOutcome& outcome) {
  for (const std::string& finding : outcome.findings) ADD_FAILURE() << finding;
  if (!outcome.findings.empty()) std::printf("%s", replay_of(seed).c_str());
}

TEST(SimExchanges, EveryRequestIsAnsweredOnceWithItsBytesAndNothingIsLeft) {
  if (const std::uint64_t seed = number_from("SLUICE_SIM_SEED", 0); seed != 0) {
    expect_nothing_found(seed, run_seed(seed, SimBug::kNone, true));
    return;
  }
  const std::uint64_t first = number_from("SLUICE_SIM_FIRST", 1);
  const std::uint64_t seeds = number_from("SLUICE_SIM_SEEDS", kSeedsUsual);
  SimOutcome sum;
  std::size_t with_waiters = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const SimOutcome outcome = run_seed(seed);
    expect_nothing_found(seed, outcome);
    sum.events += outcome.events;
    sum.exchanges += outcome.exchanges;
    sum.answered_well += outcome.answered_well;
    sum.starved += outcome.starved;
    with_waiters += outcome.waiters_max > 0 ? 1 : 0;
    sum.hedges += outcome.hedges;
    sum.waiters_max = std::max(sum.waiters_max, outcome.waiters_max);
    sum.copied_bytes += outcome.copied_bytes;
    sum.kernel.short_reads += outcome.kernel.short_reads;
    sum.kernel.short_sends += outcome.kernel.short_sends;
    sum.kernel.multishot_ends += outcome.kernel.multishot_ends;
    sum.kernel.cancelled += outcome.kernel.cancelled;
    sum.kernel.cancels_beaten += outcome.kernel.cancels_beaten;
  }
  std::printf(
      "%llu seeds: %zu exchanges, %zu answered well; %llu events; %llu short reads, %llu "
      "short sends, %llu ended multishots, %llu starved receives, %llu bytes copied out, "
      "%llu cancelled, %llu cancelled too late; requests waited for permits in %zu of the runs, "
      "%zu at once; %llu hedges\n",
      static_cast<unsigned long long>(seeds), sum.exchanges, sum.answered_well,
      static_cast<unsigned long long>(sum.events),
      static_cast<unsigned long long>(sum.kernel.short_reads),
      static_cast<unsigned long long>(sum.kernel.short_sends),
      static_cast<unsigned long long>(sum.kernel.multishot_ends),
      static_cast<unsigned long long>(sum.starved),
      static_cast<unsigned long long>(sum.copied_bytes),
      static_cast<unsigned long long>(sum.kernel.cancelled),
      static_cast<unsigned long long>(sum.kernel.cancels_beaten), with_waiters, sum.waiters_max,
      static_cast<unsigned long long>(sum.hedges));
}

TEST(SimExchanges, TheSameSeedIsTheSameRun) {
  constexpr std::uint64_t kSeeds = 10;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const SimOutcome once = run_seed(seed);
    const SimOutcome again = run_seed(seed);
    EXPECT_EQ(once.hash, again.hash) << "seed " << seed;
    EXPECT_EQ(once.events, again.events) << "seed " << seed;
    EXPECT_NE(once.hash, run_seed(seed + kSeeds).hash) << "seed " << seed;
  }
}

// The test of the tests: a kernel that breaks its contract does not go unnoticed.
struct BugRow {
  const char* name;
  SimBug bug;
};

constexpr BugRow kBugs[] = {
    {"a byte comes twice", SimBug::kByteTwice},
    {"a byte is lost", SimBug::kByteLost},
    {"a cancelled operation never ends", SimBug::kCompletionLost},
    {"a send tells more than it took", SimBug::kSendTakesTooMuch},
    {"want of buffers looks like the end", SimBug::kEndInsteadOfError},
};

// The first seed that finds `bug`, by a finding or an abort, in a process of its own; 0: none.
int first_seed_that_finds(SimBug bug, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const pid_t child = fork();
    if (child == 0) {
      close(STDERR_FILENO);
      _exit(run_seed(seed, bug).findings.empty() ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return static_cast<int>(seed);
  }
  return 0;
}

TEST(SimExchanges, ABrokenKernelIsFoundWithinAHundredSeeds) {
  EXPECT_EQ(first_seed_that_finds(SimBug::kNone, 10), 0);
  for (const BugRow& row : kBugs) {
    const int seed = first_seed_that_finds(row.bug, 100);
    EXPECT_NE(seed, 0) << row.name;
    std::printf("%s: found by seed %d\n", row.name, seed);
  }
}

}  // namespace
}  // namespace sluice
