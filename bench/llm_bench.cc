// What it costs to read a request's body, an answer and a stream. Bytes per second where the size
// matters, time per event where it does not.

#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "base/block_pool.h"
#include "engine/llm/stream_filter.h"
#include "engine/llm/usage_tap.h"
#include "parser/json_probe.h"
#include "parser/json_scan.h"
#include "parser/json_splice.h"
#include "parser/sse.h"

namespace sluice {
namespace {

// A chat request of about `bytes` bytes: turns of prose with some escapes, the model last.
std::string chat_request(std::size_t bytes) {
  std::string body = R"({"stream":true,"messages":[{"role":"system","content":"You are helpful."})";
  while (body.size() < bytes)
    body += R"(,{"role":"user","content":"Tell me about the \"gateway\" that stands before many )"
            R"(providers.\nIt reads what decides where a request goes, and nothing else: the rest )"
            R"(of the body passes as it came, whatever it says about models and streams."})";
  return body + R"(],"temperature":0.7,"max_tokens":256,"model":"gpt-oss-120b"})";
}

std::string chat_answer(std::size_t bytes) {
  std::string body =
      R"({"id":"chatcmpl-AbCdEfGhIj","object":"chat.completion","created":1760000000,)"
      R"("model":"gpt-oss-120b","choices":[{"index":0,"message":{"role":"assistant","content":")";
  while (body.size() < bytes)
    body += R"(The gateway stands before many providers.\nIt reads \"usage\" and nothing else. )";
  return body +
         R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":120,"completion_tokens":480,)"
         R"("total_tokens":600,"prompt_tokens_details":{"cached_tokens":0}}})";
}

constexpr std::string_view kEvent =
    R"(data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx","object":"chat.completion.chunk",)"
    R"("created":1760000000,"model":"gpt-oss-120b","system_fingerprint":"fp_0123456789",)"
    R"("choices":[{"index":0,"delta":{"content":" providers"},"logprobs":null,)"
    R"("finish_reason":null}],"usage":null,"obfuscation":"aBcDeFgHiJkLm"})"
    "\n\n";
constexpr std::string_view kEventNullLast =
    R"(data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx","object":"chat.completion.chunk",)"
    R"("created":1760000000,"model":"gpt-oss-120b","system_fingerprint":"fp_0123456789",)"
    R"("choices":[{"index":0,"delta":{"content":" providers"},"logprobs":null,)"
    R"("finish_reason":null}],"note":"aBcDeFgHiJkLm","usage":null})"
    "\n\n";

void report_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes));
}

void BM_ProbeRequest(benchmark::State& state) {
  const std::string body = chat_request(static_cast<std::size_t>(state.range(0)));
  BlockPool pool;
  Arena arena(pool);
  JsonProber prober;
  RequestProbe probe;
  ProbeFault fault;
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
  for (auto _ : state) benchmark::DoNotOptimize(prober.probe(body, arena, probe, fault));
  report_bytes(state, body.size());
}
BENCHMARK(BM_ProbeTokensOnly)->Arg(1 << 10)->Arg(1 << 20)->Arg(32 << 20);

void BM_SpliceRequest(benchmark::State& state) {
  const std::string body = chat_request(4096);
  BlockPool pool;
  Arena arena(pool);
  JsonProber prober;
  RequestProbe probe;
  ProbeFault fault;
  benchmark::DoNotOptimize(prober.probe(body, arena, probe, fault));
  for (auto _ : state) {
    benchmark::DoNotOptimize(splice_request(body, probe, "org/gpt-oss-120b", true, arena));
    arena.reset();
  }
}
BENCHMARK(BM_SpliceRequest);

void BM_SseBoundary(benchmark::State& state) {
  SseSplitter splitter;
  for (auto _ : state) benchmark::DoNotOptimize(splitter.next_boundary(kEvent));
}
BENCHMARK(BM_SseBoundary);

void BM_JsonScan(benchmark::State& state) {
  const std::string body = chat_answer(static_cast<std::size_t>(state.range(0)));
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
  benchmark::DoNotOptimize(tap.usage(100));
  report_bytes(state, kEvent.size());
}
BENCHMARK(BM_UsageTapEvent);

void filter_events(benchmark::State& state, std::string_view event) {
  BlockPool pool;
  Arena arena(pool);
  StreamFilter filter(arena);
  std::array<std::string_view, 8> pieces;
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
}
BENCHMARK(BM_StreamFilterEventCut);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
