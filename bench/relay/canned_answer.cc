#include "bench/relay/canned_answer.h"

#include <strings.h>
#include <time.h>

#include <array>

#include "bench/relay/options.h"
#include "parser/chunked.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kUsageText =
    R"("usage":{"prompt_tokens":200,"completion_tokens":400,"total_tokens":600}})";
constexpr std::string_view kEventBegins =
    R"(data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,)"
    R"("model":"m","choices":[)";

std::string as_chunk(std::string_view payload) {
  std::array<char, kChunkHeadBytesMax> head;
  const std::size_t head_bytes = write_chunk_head(head.data(), payload.size());
  return std::string(head.data(), head_bytes) + std::string(payload) + "\r\n";
}

// `before`, letters up to `bytes` in all, `after`.
std::string padded(std::string_view before, std::string_view after, std::size_t bytes) {
  const std::size_t fixed = before.size() + after.size();
  if (bytes < fixed)
    end_usage("an answer or event has " + std::to_string(fixed) + " bytes at least");
  return std::string(before) + std::string(bytes - fixed, 'x') + std::string(after);
}

}  // namespace

std::string canned_completion(std::size_t body_bytes) {
  constexpr std::string_view kBefore =
      R"({"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"m",)"
      R"("choices":[{"index":0,"message":{"role":"assistant","content":")";
  const std::string after = R"("},"finish_reason":"stop"}],)" + std::string(kUsageText);
  const std::string body = padded(kBefore, after, body_bytes);
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string_view canned_stream_head() {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
         "Transfer-Encoding: chunked\r\n\r\n";
}

CannedEvent canned_event(std::size_t event_bytes) {
  const std::string before = std::string(kEventBegins) + R"({"index":0,"delta":{"content":")";
  const std::string after = R"("},"finish_reason":null}],)" + std::string(kInstantBegins) +
                            std::string(kInstantDigits, '0') + "\",\"usage\":null}\n\n";
  CannedEvent event{.chunk = as_chunk(padded(before, after, event_bytes)), .instant_at = 0};
  event.instant_at = event.chunk.find(kInstantBegins) + kInstantBegins.size();
  return event;
}

void write_instant(CannedEvent& event, std::uint64_t now_ns) {
  for (std::size_t i = kInstantDigits; i-- > 0; now_ns /= 10) {
    event.chunk[event.instant_at + i] = static_cast<char>('0' + now_ns % 10);
  }
}

std::string canned_stream_end() {
  const std::string usage = std::string(kEventBegins) + "]," + std::string(kUsageText) + "\n\n";
  return as_chunk(usage) + as_chunk("data: [DONE]\n\n") + "0\r\n\r\n";
}

std::string_view head_field(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at)) {
    at += 2;
    const std::string_view line = head.substr(at, head.find("\r\n", at) - at);
    if (line.size() <= name.size() || line[name.size()] != ':' ||
        strncasecmp(line.data(), name.data(), name.size()) != 0)
      continue;
    const std::size_t value = line.find_first_not_of(' ', name.size() + 1);
    return value == std::string_view::npos ? std::string_view() : line.substr(value);
  }
  return {};
}

std::uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace sluice::bench
