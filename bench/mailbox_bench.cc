// What a letter between shards costs apart from waking a shard that sleeps: put into the mailbox
// and taken out. The unit of each figure is one letter.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <deque>

#include "bench/result_check.h"
#include "engine/mailbox.h"

namespace sluice {
namespace {

// Numbered - a letter that can be told from others.
struct Numbered final : Letter {
  explicit Numbered(std::uint64_t number) : Letter(nullptr), number(number) {}
  std::uint64_t number;
};

bool in_order(Letter* oldest, std::uint64_t count) {
  std::uint64_t expected = 0;
  for (Letter* letter = oldest; letter != nullptr; letter = letter->next) {
    if (static_cast<Numbered*>(letter)->number != expected++) return false;
  }
  return expected == count;
}

// So many letters put in, then all taken at once, as one turn of a shard does.
void push_and_take(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  Mailbox mailbox;
  std::deque<Numbered> letters;
  for (std::uint64_t n = 0; n < count; ++n) letters.emplace_back(n);
  for (Numbered& letter : letters) mailbox.push(letter);
  if (!holds(state, in_order(mailbox.take_all(), count), "letters are out of order")) return;
  for (auto _ : state) {
    for (Numbered& letter : letters) mailbox.push(letter);
    std::uint64_t sum = 0;
    for (Letter* letter = mailbox.take_all(); letter != nullptr; letter = letter->next)
      sum += static_cast<Numbered*>(letter)->number;
    benchmark::DoNotOptimize(sum);
  }
  report_items(state, letters.size());
}
BENCHMARK(push_and_take)->ArgName("letters")->Arg(1)->Arg(16)->Arg(256);

// What every turn of a shard pays: nothing is there.
void look_into_empty(benchmark::State& state) {
  Mailbox mailbox;
  for (auto _ : state) {
    benchmark::DoNotOptimize(mailbox.empty());
    benchmark::ClobberMemory();
  }
  if (holds(state, mailbox.empty(), "an empty mailbox has letters")) report_items(state, 1);
}
BENCHMARK(look_into_empty);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
