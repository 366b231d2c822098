// What it costs to read a request's body, an answer and a stream. Bytes per second where the size
// matters, time per event where it does not.

#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "base/block_pool.h"
#include "bench/chat_bodies.h"
#include "bench/result_check.h"
#include "engine/llm/stream_filter.h"
#include "engine/llm/usage_tap.h"
#include "parser/json_probe.h"
#include "parser/json_scan.h"
#include "parser/json_splice.h"
#include "parser/sse.h"

namespace sluice {
namespace {

void BM_ProbeRequest(benchmark::State& state) {
  const std::string body = chat_request(static_cast<std::size_t>(state.range(0)));
  BlockPool pool;
  Arena arena(pool);
  JsonProber prober;
  RequestProbe probe;
  ProbeFault fault;
  const bool read = prober.probe(body, arena, probe, fault);
  if (!holds(state, read && probe.model == "gpt-oss-120b" && probe.stream, "misread")) return;
  for (auto _ : state) benchmark::DoNotOptimize(prober.probe(body, arena, probe, fault));
  report_bytes(state, body.size());
}
BENCHMARK(BM_ProbeRequest)
    ->Arg(256)
    ->Arg(1 << 10)
    ->Arg(4 << 10)
    ->Arg(32 << 10)
    ->Arg(256 << 10)
    ->Arg(8 << 20);

// The worst that fits: a token on every byte.
void BM_ProbeTokensOnly(benchmark::State& state) {
  std::string body = R"({"model":"m","a":[0)";
  while (body.size() < static_cast<std::size_t>(state.range(0))) body += ",0";
  body += "]}";
  BlockPool pool;
  Arena arena(pool);
  JsonProber prober;
  RequestProbe probe;
  ProbeFault fault;
  const bool read = prober.probe(body, arena, probe, fault);
  if (!holds(state, read && probe.model == "m", "misread")) return;
  for (auto _ : state) benchmark::DoNotOptimize(prober.probe(body, arena, probe, fault));
  report_bytes(state, body.size());
}
BENCHMARK(BM_ProbeTokensOnly)->Arg(1 << 10)->Arg(1 << 20)->Arg(32 << 20);

// Whether the pieces say what they should: the other model, usage asked for, the rest as it was.
bool spliced(const SplicedBody& body, std::string_view native_model, bool add_include_usage) {
  std::string text;
  for (std::uint32_t i = 0; i < body.count; ++i) text += body.pieces[i];
  const bool asked = text.find("\"include_usage\":true") != std::string::npos;
  return text.size() == body.bytes && asked == add_include_usage &&
         text.find("\"" + std::string(native_model) + "\"") != std::string::npos;
}

// A request's body as it is forwarded: pieces, none of them copied, so the size does not matter.
// `changed`: another model, and usage asked for; else one piece.
void BM_SpliceRequest(benchmark::State& state) {
  const std::string body = chat_request(4096);
  const bool changed = state.range(0) != 0;
  const std::string_view model = changed ? "org/gpt-oss-120b" : "gpt-oss-120b";
  BlockPool pool;
  Arena arena(pool);
  JsonProber prober;
  RequestProbe probe;
  ProbeFault fault;
  if (!holds(state, prober.probe(body, arena, probe, fault), "refused")) return;
  const SplicedBody first = splice_request(body, probe, model, changed, arena);
  if (!holds(state, spliced(first, model, changed), "spliced otherwise")) return;
  for (auto _ : state) {
    benchmark::DoNotOptimize(splice_request(body, probe, model, changed, arena));
    arena.reset();
  }
  report_items(state, 1);
}
BENCHMARK(BM_SpliceRequest)->ArgName("changed")->Arg(0)->Arg(1);

void BM_SseBoundary(benchmark::State& state) {
  SseSplitter splitter;
  if (!holds(state, splitter.next_boundary(kEvent) == kEvent.size(), "no boundary")) return;
  for (auto _ : state) benchmark::DoNotOptimize(splitter.next_boundary(kEvent));
  report_bytes(state, kEvent.size());
}
BENCHMARK(BM_SseBoundary);

void BM_JsonScan(benchmark::State& state) {
  const std::string body = chat_answer(static_cast<std::size_t>(state.range(0)));
  JsonScan first("usage\"", "type\"", 1);
  if (!holds(state, first.seek(body, 0).found, "usage is not found")) return;
  for (auto _ : state) {
    JsonScan scan("usage\"", "type\"", 0);
    benchmark::DoNotOptimize(scan.seek(body, 0));
  }
  report_bytes(state, body.size());
}
BENCHMARK(BM_JsonScan)->Arg(256)->Arg(64 << 10);

void BM_UsageTapJson(benchmark::State& state) {
  const std::string body = chat_answer(static_cast<std::size_t>(state.range(0)));
  BlockPool pool;
  Arena arena(pool);
  {
    UsageTap tap(AnswerKind::kJson, arena);
    tap.watch(body);
    const Usage usage = tap.usage(100);
    if (!holds(state, usage.prompt == 120 && usage.completion == 480, "usage misread")) return;
  }
  for (auto _ : state) {
    UsageTap tap(AnswerKind::kJson, arena);
    tap.watch(body);
    benchmark::DoNotOptimize(tap.usage(100));
    arena.reset();
  }
  report_bytes(state, body.size());
}
BENCHMARK(BM_UsageTapJson)->Arg(256)->Arg(2 << 10)->Arg(64 << 10);

void BM_UsageTapEvent(benchmark::State& state) {
  BlockPool pool;
  Arena arena(pool);
  UsageTap tap(AnswerKind::kEventStream, arena);
  for (auto _ : state) tap.watch(kEvent);
  const bool guessed = tap.usage(100).completion == state.iterations();  // a token an event
  if (holds(state, guessed, "events are counted otherwise")) report_bytes(state, kEvent.size());
}
BENCHMARK(BM_UsageTapEvent);

// The last event of a stream, which tells usage: read once a request.
void BM_UsageTapLastEvent(benchmark::State& state) {
  BlockPool pool;
  Arena arena(pool);
  UsageTap tap(AnswerKind::kEventStream, arena);
  for (auto _ : state) tap.watch(kEventUsage);
  const Usage usage = tap.usage(100);
  if (holds(state, usage.prompt == 120 && usage.completion == 480, "usage misread"))
    report_bytes(state, kEventUsage.size());
}
BENCHMARK(BM_UsageTapLastEvent);

// Sixteen events in two reads, cut inside one of them, as a fast provider's come.
void BM_UsageTapEvents(benchmark::State& state) {
  std::string events;
  for (int i = 0; i < 16; ++i) events += kEvent;
  const std::string_view head = std::string_view(events).substr(0, 1500);
  const std::string_view rest = std::string_view(events).substr(head.size());
  BlockPool pool;
  Arena arena(pool);
  UsageTap tap(AnswerKind::kEventStream, arena);
  for (auto _ : state) {
    tap.watch(head);
    tap.watch(rest);
  }
  const bool guessed = tap.usage(100).completion == 16 * state.iterations();
  if (!holds(state, guessed, "events are counted otherwise")) return;
  report_bytes(state, events.size());
  report_items(state, 16);
}
BENCHMARK(BM_UsageTapEvents);

void filter_events(benchmark::State& state, std::string_view event) {
  BlockPool pool;
  Arena arena(pool);
  StreamFilter filter(arena);
  std::array<std::string_view, 8> pieces;
  const StreamFilter::Step step = filter.next(event, pieces);
  std::string passed;
  for (std::size_t i = 0; i < step.pieces; ++i) passed += pieces[i];
  const bool right = step.consumed == event.size() && passed.ends_with("\n\n") &&
                     passed.find("usage") == std::string::npos &&
                     passed.find(" providers") != std::string::npos;
  if (!holds(state, right, "filtered otherwise")) return;
  for (auto _ : state) benchmark::DoNotOptimize(filter.next(event, pieces));
  report_bytes(state, event.size());
}
void BM_StreamFilterEvent(benchmark::State& state) { filter_events(state, kEvent); }
BENCHMARK(BM_StreamFilterEvent);
void BM_StreamFilterEventNullLast(benchmark::State& state) { filter_events(state, kEventNullLast); }
BENCHMARK(BM_StreamFilterEventNullLast);

// An event that comes in two reads: held, completed, filtered.
void BM_StreamFilterEventCut(benchmark::State& state) {
  BlockPool pool;
  Arena arena(pool);
  StreamFilter filter(arena);
  std::array<std::string_view, 8> pieces;
  for (auto _ : state) {
    benchmark::DoNotOptimize(filter.next(kEvent.substr(0, 150), pieces));
    benchmark::DoNotOptimize(filter.next(kEvent.substr(150), pieces));
  }
  const bool whole = filter.finish(pieces) == 0;  // nothing is left behind
  if (holds(state, whole, "part of an event is held")) report_bytes(state, kEvent.size());
}
BENCHMARK(BM_StreamFilterEventCut);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
