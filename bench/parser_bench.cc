// What one head, one chunk and their parts cost. Run alone on a quiet machine:
//
//   meson setup build-release -Dbuildtype=release -Dbenchmarks=true
//   ninja -C build-release bench/parser_bench && build-release/bench/parser_bench

#include <benchmark/benchmark.h>

#include <string>

#include "parser/chunked.h"
#include "parser/http1_request.h"
#include "parser/http1_response.h"
#include "parser/scan.h"

namespace sluice {
namespace {

// What the official Python client sends, 17 fields.
constexpr std::string_view kRequest =
    "POST /v1/chat/completions HTTP/1.1\r\n"
    "Host: gateway.internal.example:9190\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
    "Accept: application/json\r\n"
    "Content-Type: application/json\r\n"
    "User-Agent: OpenAI/Python 1.99.1\r\n"
    "X-Stainless-Lang: python\r\n"
    "X-Stainless-Package-Version: 1.99.1\r\n"
    "X-Stainless-OS: Linux\r\n"
    "X-Stainless-Arch: x64\r\n"
    "X-Stainless-Runtime: CPython\r\n"
    "X-Stainless-Runtime-Version: 3.12.3\r\n"
    "Authorization: Bearer sk-test-0123456789abcdef0123456789abcdef\r\n"
    "X-Stainless-Async: false\r\n"
    "x-stainless-retry-count: 0\r\n"
    "x-stainless-read-timeout: 600\r\n"
    "Content-Length: 1024\r\n"
    "\r\n";

constexpr std::string_view kSmallRequest =
    "POST /v1/chat/completions HTTP/1.1\r\n"
    "Host: 127.0.0.1:9190\r\n"
    "Authorization: Bearer sk-test-0123456789abcdef\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 1024\r\n"
    "\r\n";

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 2048\r\n"
    "Connection: keep-alive\r\n"
    "x-request-id: req_0123456789abcdef\r\n"
    "x-ratelimit-remaining-requests: 39\r\n"
    "\r\n";

void report_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes));
  state.counters["head_bytes"] = static_cast<double>(bytes);
}

void parse_request(benchmark::State& state, std::string_view text) {
  RequestHeadParser parser;
  RequestHead head;
  Refusal why;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    if (parser.parse(text, head, why) != HeadState::kComplete) state.SkipWithError("refused");
    benchmark::DoNotOptimize(head);
  }
  report_bytes(state, text.size());
}
BENCHMARK_CAPTURE(parse_request, sdk, kRequest);
BENCHMARK_CAPTURE(parse_request, small, kSmallRequest);

void parse_request_byte_by_byte(benchmark::State& state) {
  RequestHeadParser parser;
  RequestHead head;
  Refusal why;
  for (auto _ : state)
    for (std::size_t bytes = 1; bytes <= kRequest.size(); ++bytes)
      benchmark::DoNotOptimize(parser.parse(kRequest.substr(0, bytes), head, why));
  report_bytes(state, kRequest.size());
}
BENCHMARK(parse_request_byte_by_byte);

void parse_response(benchmark::State& state) {
  ResponseHeadParser parser;
  ResponseHead head;
  Refusal why;
  std::string_view text = kResponse;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    if (parser.parse(text, false, head, why) != HeadState::kComplete)
      state.SkipWithError("refused");
    benchmark::DoNotOptimize(head);
  }
  report_bytes(state, kResponse.size());
}
BENCHMARK(parse_response);

// One SSE event of 256 bytes in a chunk of its own, as providers send them.
void decode_chunk(benchmark::State& state) {
  char head[kChunkHeadBytesMax];
  std::string text;
  text.append(head, write_chunk_head(head, 256)).append(std::string(256, 'x')).append("\r\n");
  ChunkedDecoder decoder;
  for (auto _ : state) {
    std::string_view rest = text;
    while (!rest.empty()) {
      const ChunkedDecoder::Step step = decoder.next(rest);
      benchmark::DoNotOptimize(step.payload);
      rest.remove_prefix(step.consumed);
    }
  }
  report_bytes(state, text.size());
}
BENCHMARK(decode_chunk);

template <std::size_t (*Find)(std::string_view, std::size_t) noexcept>
void find_in_1_kib(benchmark::State& state) {
  const std::string text(1024, 'a');
  for (auto _ : state) benchmark::DoNotOptimize(Find(text, 0));
  report_bytes(state, text.size());
}
BENCHMARK(find_in_1_kib<find_control>);
BENCHMARK(find_in_1_kib<find_control_scalar>);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
