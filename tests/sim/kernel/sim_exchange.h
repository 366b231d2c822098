#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"

namespace sluice {

// SimExchange - one request of a run: what is asked, what the answer must be, and what became of
// it. The texts are functions of its seed and its id, so that any byte of one that turns up in
// another is seen.
struct SimExchange {
  SimExchange(std::uint64_t seed, std::string id);

  // What is asked.
  std::string id;
  std::uint64_t seed;
  bool stream = false;
  bool asks_usage = false;    // a stream with the last chunk that only they get who ask
  bool chunked = false;       // the request body
  bool expects = false;       // Expect: 100-continue
  bool old = false;           // HTTP/1.0
  std::string_view priority;  // "": the client says none
  std::size_t prompt_bytes = 0;
  std::size_t answer_bytes = 0;

  // What the provider's side has seen.
  std::uint32_t attempts = 0;
  std::uint32_t good_answers = 0;  // begun
  bool good_said = false;          // the last byte of a good answer was written
  bool broken_by_provider = false;
  bool cut_without_a_trace = false;  // a body that ends with its connection, cut by a FIN

  // The request, as the client says it. `body` is the whole of it as one piece.
  [[nodiscard]] std::string body() const;
  [[nodiscard]] std::string head() const;
  [[nodiscard]] std::string framed_body(Prng& prng) const;
  // What the gateway must make of the body for the provider.
  [[nodiscard]] std::string native_body() const;

  // The good answer's body as the provider says it, and as the client must see it.
  [[nodiscard]] std::string provider_answer() const;
  [[nodiscard]] std::string client_answer() const;
  // A provider's refusal.
  [[nodiscard]] std::string error_document(int status) const;

 private:
  [[nodiscard]] std::string request_json(bool native) const;
  [[nodiscard]] std::string answer_json() const;
  [[nodiscard]] std::string events(bool nulls, bool with_usage) const;
};

// `text` cut into chunks of random sizes (RFC 9112 section 7.1), with the last one or without.
[[nodiscard]] std::string chunk(std::string_view text, Prng& prng, bool whole);

}  // namespace sluice
