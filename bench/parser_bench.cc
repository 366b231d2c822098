// What one head, one chunk and their parts cost. Run alone on a quiet machine:
//
//   meson setup build-release -Dbuildtype=release -Dbenchmarks=true
//   ninja -C build-release bench/parser_bench && build-release/bench/parser_bench

#include <benchmark/benchmark.h>

#include <string>

#include "bench/result_check.h"
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

void parse_request(benchmark::State& state, std::string_view text) {
  RequestHeadParser parser;
  WithFields<RequestHead> head;
  Refusal why;
  const bool read = parser.parse(text, head, why) == HeadState::kComplete;
  if (!holds(state, read && head.content_length == 1024 && head.bytes == text.size(), "misread"))
    return;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    benchmark::DoNotOptimize(parser.parse(text, head, why));
    benchmark::DoNotOptimize(head);
  }
  report_bytes(state, text.size());
}
BENCHMARK_CAPTURE(parse_request, sdk, kRequest);
BENCHMARK_CAPTURE(parse_request, small, kSmallRequest);

void parse_request_byte_by_byte(benchmark::State& state) {
  RequestHeadParser parser;
  WithFields<RequestHead> head;
  Refusal why;
  for (auto _ : state)
    for (std::size_t bytes = 1; bytes <= kRequest.size(); ++bytes)
      benchmark::DoNotOptimize(parser.parse(kRequest.substr(0, bytes), head, why));
  if (!holds(state, head.content_length == 1024 && parser.idle(), "misread")) return;
  report_bytes(state, kRequest.size());
}
BENCHMARK(parse_request_byte_by_byte);

// What a large provider sends through its CDN: 24 fields.
constexpr std::string_view kLongResponse =
    "HTTP/1.1 200 OK\r\n"
    "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
    "Content-Type: text/event-stream; charset=utf-8\r\n"
    "Transfer-Encoding: chunked\r\n"
    "Connection: keep-alive\r\n"
    "access-control-expose-headers: X-Request-ID\r\n"
    "openai-organization: org-0123456789abcdef\r\n"
    "openai-processing-ms: 412\r\n"
    "openai-project: proj_0123456789abcdef\r\n"
    "openai-version: 2020-10-01\r\n"
    "x-envoy-upstream-service-time: 431\r\n"
    "x-ratelimit-limit-requests: 10000\r\n"
    "x-ratelimit-limit-tokens: 30000000\r\n"
    "x-ratelimit-remaining-requests: 9999\r\n"
    "x-ratelimit-remaining-tokens: 29999990\r\n"
    "x-ratelimit-reset-requests: 6ms\r\n"
    "x-ratelimit-reset-tokens: 0s\r\n"
    "x-request-id: req_0123456789abcdef0123456789abcdef\r\n"
    "cf-cache-status: DYNAMIC\r\n"
    "Set-Cookie: __cf_bm=abcdefghijklmnopqrstuvwxyz0123456789; path=/; HttpOnly; Secure\r\n"
    "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Server: cloudflare\r\n"
    "CF-RAY: 0123456789abcdef-FRA\r\n"
    "alt-svc: h3=\":443\"; ma=86400\r\n"
    "\r\n";

void parse_response(benchmark::State& state, std::string_view text, BodyFraming framing) {
  ResponseHeadParser parser;
  WithFields<ResponseHead> head;
  Refusal why;
  const bool read = parser.parse(text, false, head, why) == HeadState::kComplete;
  const bool right = read && head.status == 200 && head.framing == framing;
  if (!holds(state, right && head.bytes == text.size(), "misread")) return;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    benchmark::DoNotOptimize(parser.parse(text, false, head, why));
    benchmark::DoNotOptimize(head);
  }
  report_bytes(state, text.size());
}
BENCHMARK_CAPTURE(parse_response, small, kResponse, BodyFraming::kLength);
BENCHMARK_CAPTURE(parse_response, large, kLongResponse, BodyFraming::kChunked);

std::string in_chunks(std::string_view payload, std::size_t chunks) {
  char head[kChunkHeadBytesMax];
  std::string text;
  for (std::size_t i = 0; i < chunks; ++i) {
    text.append(head, write_chunk_head(head, payload.size())).append(payload).append("\r\n");
  }
  return text;
}

// Bytes of payload in `rest`.
std::size_t decode(ChunkedDecoder& decoder, std::string_view rest) {
  std::size_t payload_bytes = 0;
  while (!rest.empty()) {
    const ChunkedDecoder::Step step = decoder.next(rest);
    benchmark::DoNotOptimize(step.payload);
    payload_bytes += step.payload.size();
    rest.remove_prefix(step.consumed);
  }
  return payload_bytes;
}

// Chunks with a payload of so many bytes each, so many in one read: an SSE event in a chunk of its
// own, as providers send them, or the blocks of a long answer.
void decode_chunks(benchmark::State& state) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
  const auto chunks = static_cast<std::size_t>(state.range(1));
  const std::string text = in_chunks(payload, chunks);
  ChunkedDecoder decoder;
  if (!holds(state, decode(decoder, text) == chunks * payload.size(), "payload is lost")) return;
  for (auto _ : state) benchmark::DoNotOptimize(decode(decoder, text));
  report_bytes(state, text.size());
  report_items(state, chunks);
}
BENCHMARK(decode_chunks)
    ->ArgNames({"bytes", "chunks"})
    ->Args({256, 1})
    ->Args({256, 16})
    ->Args({16 << 10, 1});

void chunk_head(benchmark::State& state) {
  char out[kChunkHeadBytesMax];
  const bool right = std::string_view(out, write_chunk_head(out, 500)) == "1f4\r\n";
  if (!holds(state, right, "miswritten")) return;
  std::uint64_t bytes = 500;
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);
    benchmark::DoNotOptimize(write_chunk_head(out, bytes));
    benchmark::DoNotOptimize(out);
  }
  report_items(state, 1);
}
BENCHMARK(chunk_head);

template <std::size_t (*Find)(std::string_view, std::size_t) noexcept>
void find_in_1_kib(benchmark::State& state) {
  const std::string text(1024, 'a');
  if (!holds(state, Find(text, 0) == text.size(), "found what is not there")) return;
  for (auto _ : state) benchmark::DoNotOptimize(Find(text, 0));
  report_bytes(state, text.size());
}
BENCHMARK(find_in_1_kib<find_control>);
BENCHMARK(find_in_1_kib<find_control_scalar>);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
