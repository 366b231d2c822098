#pragma once

#include <optional>

#include "engine/proxy/exchange.h"
#include "parser/http1_response.h"

namespace sluice {

// How the body of an answer is framed for the client.
enum class OutFraming : std::uint8_t {
  kNone,    // no body, whatever the length says
  kLength,  // the provider's Content-Length
  kChunked,
  kClose,  // HTTP/1.0: until we close
};

// RelayPlan - what the gateway makes of a provider's head for the client.
struct RelayPlan {
  OutFraming framing = OutFraming::kNone;
  bool event_stream = false;
  bool filtered = false;  // the body is edited: its length is not the provider's
  std::string_view account;
  std::string_view pool;
  std::string_view degraded{};          // "fallback" or "emergency"; "" for a primary account
  bool client_limits = false;           // x-ratelimit-* is ours; set by write_response_head()
  std::optional<Duration> retry_after;  // replaces the provider's: the true wait over all accounts
};

[[nodiscard]] OutFraming choose_framing(const RequestHead& request, const ResponseHead& response,
                                        bool filtered) noexcept;

// The head of the answer, as one text in the arena: the provider's fields but for hop-by-hop ones
// (F9), in their order (F7), and ours (docs/WIRE.md).
[[nodiscard]] std::string_view write_response_head(Exchange& exchange, const ResponseHead& response,
                                                   const RelayPlan& plan, Instant now);

// The head of a stream that begins before its provider is known: 200, chunked.
[[nodiscard]] std::string_view write_early_head(Exchange& exchange, std::int64_t unix_ms,
                                                Instant now);

// How the provider's body is to be read.
[[nodiscard]] AnswerKind answer_kind(const ResponseHead& response) noexcept;

// A 1xx answer for the client (P1).
[[nodiscard]] std::string_view write_interim_head(Arena& arena, const ResponseHead& response);

}  // namespace sluice
