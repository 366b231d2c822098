#include "tests/sim/kernel/sim_exchange.h"

#include <algorithm>
#include <array>

#include "engine/route/priority.h"
#include "parser/chunked.h"
#include "tests/sim/kernel/sim_faults.h"

namespace sluice {
namespace {

std::uint64_t hash_of(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325ULL ^ seed;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

// `bytes` letters and blanks that no other id has.
std::string words(std::uint64_t seed, std::size_t bytes) {
  Prng prng(seed);
  std::string text;
  text.reserve(bytes);
  while (text.size() < bytes) {
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ.,";
    std::uint64_t bits = prng.next();
    for (int i = 0; i < 8 && text.size() < bytes; ++i, bits >>= 8)
      text += kLetters[(bits & 255) % kLetters.size()];
  }
  return text;
}

std::string number(std::size_t value) { return std::to_string(value); }

}  // namespace

SimExchange::SimExchange(std::uint64_t run_seed, std::string name)
    : id(std::move(name)), seed(hash_of(id, run_seed)) {
  Prng prng(seed);
  stream = chance(prng, 450);
  asks_usage = stream && chance(prng, 300);
  chunked = chance(prng, 250);
  old = chance(prng, 50);
  if (old) chunked = false;
  // Mostly small; some above the receive buffers, a few so large that they are received where they
  // will lie.
  prompt_bytes = between(prng, 0, 600);
  if (chance(prng, 150)) prompt_bytes = between(prng, 600, 30'000);
  if (chance(prng, 40)) prompt_bytes = between(prng, 140'000, 300'000);
  expects = !old && prompt_bytes > 0 && chance(prng, 100);
  answer_bytes = between(prng, 0, 1500);
  if (chance(prng, 200)) answer_bytes = between(prng, 1500, 100'000);
  if (chance(prng, 400)) priority = kPriorityNames[prng.below(kPriorities)];
}

std::string SimExchange::request_json(bool native) const {
  std::string json = native ? R"({"model":"native-model")" : R"({"model":"sim-model")";
  if (stream) json += R"(,"stream":true)";
  if (asks_usage) json += R"(,"stream_options":{"include_usage":true})";
  json += R"(,"messages":[{"role":"user","content":")" + words(seed ^ 1, prompt_bytes) + "\"}]";
  if (native && stream && !asks_usage) json += R"(,"stream_options":{"include_usage":true})";
  return json + "}";
}

std::string SimExchange::body() const { return request_json(false); }
std::string SimExchange::native_body() const { return request_json(true); }

std::string SimExchange::head() const {
  std::string text = "POST /v1/chat/completions HTTP/1." + std::string(old ? "0" : "1") +
                     "\r\nHost: gateway\r\nX-Request-Id: " + id +
                     "\r\nContent-Type: application/json\r\n";
  if (!priority.empty()) text += "X-Priority: " + std::string(priority) + "\r\n";
  if (expects) text += "Expect: 100-continue\r\n";
  if (chunked) return text + "Transfer-Encoding: chunked\r\n\r\n";
  return text + "Content-Length: " + number(body().size()) + "\r\n\r\n";
}

std::string SimExchange::framed_body(Prng& prng) const {
  return chunked ? chunk(body(), prng, true) : body();
}

std::string SimExchange::answer_json() const {
  return R"({"id":")" + id +
         R"(","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",)" +
         R"("content":")" + words(seed ^ 2, answer_bytes) +
         R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,)" +
         R"("total_tokens":3}})" + "\n";
}

// `nulls`: the chunks say "usage":null, as providers do that were asked for usage.
std::string SimExchange::events(bool nulls, bool with_usage) const {
  Prng prng(seed ^ 3);
  const std::string text = words(seed ^ 2, answer_bytes);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = std::min<std::size_t>(text.size() - at, between(prng, 1, 400));
    out += R"(data: {"id":")" + id + R"(","choices":[{"index":0,"delta":{"content":")" +
           text.substr(at, bytes) + "\"}}]" + (nulls ? R"(,"usage":null)" : "") + "}\n\n";
    at += bytes;
  }
  if (with_usage) {
    out += R"(data: {"id":")" + id +
           R"(","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})" +
           "\n\n";
  }
  return out + "data: [DONE]\n\n";
}

std::string SimExchange::provider_answer() const {
  return stream ? events(true, true) : answer_json();
}

std::string SimExchange::client_answer() const {
  return stream ? events(asks_usage, asks_usage) : answer_json();
}

std::string SimExchange::error_document(int status) const {
  return R"({"error":{"message":"no: )" + id + R"(","type":"server_error","code":")" +
         std::to_string(status) + "\"}}\n";
}

std::string chunk(std::string_view text, Prng& prng, bool whole) {
  std::string out;
  const std::size_t most = chance(prng, 300) ? 40 : 4000;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = std::min<std::size_t>(text.size() - at, between(prng, 1, most));
    std::array<char, kChunkHeadBytesMax> head;
    out.append(head.data(), write_chunk_head(head.data(), bytes));
    out.append(text.substr(at, bytes));
    out += "\r\n";
    at += bytes;
  }
  if (whole) out += "0\r\n\r\n";
  return out;
}

}  // namespace sluice
