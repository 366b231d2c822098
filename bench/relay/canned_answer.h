#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::bench {

// What the canned upstream says: answers of the chat completions API, with usage, so that a gateway
// has what it accounts.

// A whole HTTP answer whose JSON body has `body_bytes` bytes.
[[nodiscard]] std::string canned_completion(std::size_t body_bytes);

// An SSE event carries the instant at which it was sent, nanoseconds of CLOCK_MONOTONIC in so many
// digits: a reader on the same machine knows how long it was on its way.
inline constexpr std::string_view kInstantBegins = "\"t\":\"";
inline constexpr std::size_t kInstantDigits = 19;

// The head of a stream.
[[nodiscard]] std::string_view canned_stream_head();

// A chunk of the stream with one event of `event_bytes` bytes; `instant_at` is where the digits
// stand in it.
struct CannedEvent {
  std::string chunk;
  std::size_t instant_at;
};
[[nodiscard]] CannedEvent canned_event(std::size_t event_bytes);

void write_instant(CannedEvent& event, std::uint64_t now_ns);

// The end of a stream: an event with the usage, [DONE], and the last chunk.
[[nodiscard]] std::string canned_stream_end();

// The value of a field of a head, whatever the case of its name; empty when it is not there.
[[nodiscard]] std::string_view head_field(std::string_view head, std::string_view name);

[[nodiscard]] std::uint64_t monotonic_ns();

}  // namespace sluice::bench
