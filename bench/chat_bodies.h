#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice {

// The bodies that the benchmarks read: as clients and providers of chat completions send them.

// A chat request of about `bytes` bytes: turns of prose with some escapes, the model last.
inline std::string chat_request(std::size_t bytes) {
  std::string body = R"({"stream":true,"messages":[{"role":"system","content":"You are helpful."})";
  while (body.size() < bytes)
    body += R"(,{"role":"user","content":"Tell me about the \"gateway\" that stands before many )"
            R"(providers.\nIt reads what decides where a request goes, and nothing else: the rest )"
            R"(of the body passes as it came, whatever it says about models and streams."})";
  return body + R"(],"temperature":0.7,"max_tokens":256,"model":"gpt-oss-120b"})";
}

inline std::string chat_answer(std::size_t bytes) {
  std::string body =
      R"({"id":"chatcmpl-AbCdEfGhIj","object":"chat.completion","created":1760000000,)"
      R"("model":"gpt-oss-120b","choices":[{"index":0,"message":{"role":"assistant","content":")";
  while (body.size() < bytes)
    body += R"(The gateway stands before many providers.\nIt reads \"usage\" and nothing else. )";
  return body +
         R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":120,"completion_tokens":480,)"
         R"("total_tokens":600,"prompt_tokens_details":{"cached_tokens":0}}})";
}

inline constexpr std::string_view kEvent =
    R"(data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx","object":"chat.completion.chunk",)"
    R"("created":1760000000,"model":"gpt-oss-120b","system_fingerprint":"fp_0123456789",)"
    R"("choices":[{"index":0,"delta":{"content":" providers"},"logprobs":null,)"
    R"("finish_reason":null}],"usage":null,"obfuscation":"aBcDeFgHiJkLm"})"
    "\n\n";
inline constexpr std::string_view kEventNullLast =
    R"(data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx","object":"chat.completion.chunk",)"
    R"("created":1760000000,"model":"gpt-oss-120b","system_fingerprint":"fp_0123456789",)"
    R"("choices":[{"index":0,"delta":{"content":" providers"},"logprobs":null,)"
    R"("finish_reason":null}],"note":"aBcDeFgHiJkLm","usage":null})"
    "\n\n";
// The last one of a stream that was asked for usage.
inline constexpr std::string_view kEventUsage =
    R"(data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx","object":"chat.completion.chunk",)"
    R"("created":1760000000,"model":"gpt-oss-120b","choices":[],"usage":{"prompt_tokens":120,)"
    R"("completion_tokens":480,"total_tokens":600}})"
    "\n\n";

}  // namespace sluice
